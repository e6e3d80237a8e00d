//go:build linux

package main

import (
	"context"

	"homing/bench/result"
)

// replay measures requests that the first machine sends on to another: nginx does it
// because of X-Accel-Redirect, Caddy by handle_response. What counts is the ratio to
// the same peer's plain request in the same round.
func replay(ctx context.Context, b *bench) (*result.Table, error) {
	var able []peer
	for _, p := range b.peers {
		if p.replays {
			able = append(able, p)
		}
	}
	running, err := b.startAll(ctx, able)
	if err != nil {
		return nil, err
	}
	defer stopAll(running)
	once, twice := load{path: "/", conns: 32}, load{path: "/replay", conns: 32}
	if err := b.warm(ctx, "replay", running, twice); err != nil {
		return nil, err
	}
	plains, replays := make([][]sample, len(running)), make([][]sample, len(running))
	err = b.interleave("replay", running, func(at int) error {
		p, err := b.sampled(ctx, running[at], once, b.seconds)
		if err != nil {
			return err
		}
		r, err := b.sampled(ctx, running[at], twice, b.seconds)
		plains[at], replays[at] = append(plains[at], p), append(replays[at], r)
		return err
	})
	if err != nil {
		return nil, err
	}
	calls, err := b.allCalls(ctx, "replay", running, twice)
	if err != nil {
		return nil, err
	}
	t := newTable("GET that a second machine answers because of the first, 32 connections", replayColumns...)
	for i, p := range running {
		add(t, p.name, replayCells(plains[i], replays[i], replays[0], calls[i])...)
	}
	return t, nil
}

var replayColumns = []result.Column{
	{Name: "CPU", Unit: "µs", Digits: 1}, {Name: "plain", Unit: "µs", Digits: 1}, {Name: "ratio", Unit: "plain", Digits: 2}, {Name: "range"},
	{Name: "ratio", Unit: "nginx", Digits: 2}, {Name: "calls", Digits: 1}, {Name: "alloc", Digits: 1},
	{Name: "p50", Unit: "ms", Digits: 1}, {Name: "p99", Unit: "ms", Digits: 1},
}

func replayCells(plain, own, nginx []sample, calls float64) []any {
	ratios := against(own, plain, sample.cpu)
	return []any{
		middle(own, sample.cpu), middle(plain, sample.cpu), ratios.median(), ratios.spread(), against(own, nginx, sample.cpu).median(), calls,
		middle(own, sample.allocated), middle(own, sample.middling), middle(own, sample.slow),
	}
}
