//go:build linux

package main

import (
	"context"
	"slices"

	"homing/bench/result"
)

// scenario is one thing to measure.
type scenario struct {
	name string // for --only
	run  func(context.Context, *bench) (*result.Table, error)
	long bool // left out of a quick run, unless it is asked for
}

func scenarios() []scenario {
	return []scenario{
		plain("get-32", "GET, 1 KiB answers, 32 connections", load{path: "/", conns: 32}),
		plain("get-256", "GET, 1 KiB answers, 256 connections", load{path: "/", conns: 256}).inLongRuns(),
		plain("post-32", "POST of 1 KiB, 32 connections", load{path: "/", post: true, conns: 32}),
		plain("post-256", "POST of 1 KiB, 256 connections", load{path: "/", post: true, conns: 256}).inLongRuns(),
		{name: "replay", run: replay},
		{name: "stream", run: stream},
		{name: "idle", run: idle},
		{name: "tunnels", run: tunnels},
	}
}

func (s scenario) inLongRuns() scenario {
	s.long = true
	return s
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// runs reports whether a scenario is part of the run.
func (s settings) runs(one scenario) bool {
	return slices.Contains(s.only, one.name) || len(s.only) == 0 && !(s.quick && one.long)
}

// interleave does something with each peer in each round. Who comes first changes from
// round to round, so that what the machine does meanwhile meets everybody.
func (b *bench) interleave(name string, running []*proxy, do func(at int) error) error {
	for round := range b.rounds {
		for i := range running {
			at := (i + round) % len(running)
			progress("%s, round %d of %d: %s", name, round+1, b.rounds, running[at].name)
			if err := do(at); err != nil {
				return err
			}
		}
	}
	return nil
}

// warm lets each peer work for a second that is not measured.
func (b *bench) warm(ctx context.Context, name string, running []*proxy, l load) error {
	if b.quick {
		return nil
	}
	for _, p := range running {
		progress("%s, warming up: %s", name, p.name)
		if _, err := l.run(ctx, b.dir, p.url(""), 1); err != nil {
			return err
		}
	}
	return nil
}
