//go:build linux

// Command peers measures what a request costs through nginx, HAProxy and Caddy, and
// through Homing's edge, one after the other in the same run, round after round:
//
//	go run ./bench/peers            the whole of it, some eight minutes
//	go run ./bench/peers --quick    a look, within a minute
//	go run ./bench/peers --only get-32 --peers homing --with before=/path/to/edged
//
// The last compares two versions of the edge; go build ./bench/peers/edged makes such
// a file. What all need is Debian's, see scripts/setup-bench, but for Caddy, which is
// built from its module and kept in the user's cache.
//
// A proxy has one core for itself; wrk and the origin (package origin) share the
// other. What counts is the processor's time for a request and its ratio to nginx's
// in the same round, which hold on a machine that others use too; requests per second
// are the load generator's as much as the proxy's.
//
// Everybody keeps connections alive on both sides, speaks HTTP/1.1, logs no request,
// tells the app who asks (X-Forwarded-For, -Proto, -Port, Via) and gives each request
// an ID. The configurations are in the folder conf; Homing's edge is command edged.
//
// With --soak it measures nothing, but has the edge, built with the race detector,
// serve everything at once for so long: clients of all kinds, good and bad, and
// machines that die and come back. It fails where there was a race, a wrong answer or
// a write that was run twice, or where the edge holds more at the end than before.
package main
