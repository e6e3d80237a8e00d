//go:build linux

// Command peers measures what a request costs through nginx, HAProxy and Caddy, and
// through Homing's edge, one after the other in the same run, round after round:
//
//	go run ./bench/peers            the whole of it, some eight minutes
//	go run ./bench/peers --quick    a look, 40 seconds
//	go run ./bench/peers --only get-32 --rounds 5 --with before=/path/to/edged
//
// A proxy has one core for itself; wrk and the origin (package origin) share the
// other. What counts is the processor's time for a request and its ratio to nginx's
// in the same round, which hold on a machine that others use too; requests per second
// are the load generator's as much as the proxy's.
//
// Everybody keeps connections alive on both sides, speaks HTTP/1.1, logs no request,
// tells the app who asks (X-Forwarded-For, -Proto, -Port, Via) and gives each request
// an ID. The configurations are in the folder conf; Homing's edge is command edged.
package main
