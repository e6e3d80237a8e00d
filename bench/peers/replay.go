//go:build linux

package main

import "context"

// replay measures requests that the first machine sends on to another: nginx does it
// because of X-Accel-Redirect, Caddy by handle_response. What counts is the ratio to
// the same peer's plain request in the same round.
func replay(ctx context.Context, b *bench) (table, error) {
	var able []peer
	for _, p := range b.peers {
		if p.replays {
			able = append(able, p)
		}
	}
	running, err := b.startAll(ctx, able)
	if err != nil {
		return table{}, err
	}
	defer stopAll(running)
	once, twice := load{path: "/", conns: 32}, load{path: "/replay", conns: 32}
	if err := b.warm(ctx, "replay", running, twice); err != nil {
		return table{}, err
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
		return table{}, err
	}
	calls, err := b.allCalls(ctx, "replay", running, twice)
	t := table{name: "replay", title: "GET that is replayed at a second machine, 32 connections", columns: replayColumns}
	for i, p := range running {
		t.add(p.name, replayValues(plains[i], replays[i], replays[0], calls[i])...)
	}
	return t, err
}

var replayColumns = []column{{"CPU µs", 1}, {"plain", 1}, {"÷ plain", 2}, {"÷ nginx", 2}, {"calls", 1}, {"allocs", 1}, {"p50 µs", 0}, {"p99 µs", 0}}

func replayValues(plain, own, nginx []sample, calls float64) []float64 {
	return []float64{
		middle(own, sample.cpu), middle(plain, sample.cpu), ratio(own, plain, sample.cpu), ratio(own, nginx, sample.cpu), calls,
		middle(own, func(s sample) float64 { return s.allocs }),
		middle(own, func(s sample) float64 { return micros(s.p50) }),
		middle(own, func(s sample) float64 { return micros(s.p99) }),
	}
}
