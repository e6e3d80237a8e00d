//go:build linux

package main

import "context"

// scenario is one thing to measure.
type scenario struct {
	name string // for --only
	run  func(context.Context, *bench) error
}

var scenarios = []scenario{
	plainly("get-32", "GET, 1 KiB answers, 32 connections", load{path: "/", conns: 32}),
	plainly("get-256", "GET, 1 KiB answers, 256 connections", load{path: "/", conns: 256}),
	plainly("post-32", "POST of 1 KiB, 32 connections", load{path: "/", post: true, conns: 32}),
	plainly("post-256", "POST of 1 KiB, 256 connections", load{path: "/", post: true, conns: 256}),
}

func plainly(name, title string, l load) scenario {
	return scenario{name, func(ctx context.Context, b *bench) error { return b.plain(ctx, name, title, l) }}
}
