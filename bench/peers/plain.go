//go:build linux

package main

import (
	"context"

	"homing/bench/result"
)

// plain measures requests that one machine answers.
func plain(name, title string, l load) scenario {
	return scenario{name: name, run: func(ctx context.Context, b *bench) (*result.Table, error) {
		running, err := b.startAll(ctx, b.peers)
		if err != nil {
			return nil, err
		}
		defer stopAll(running)
		if err := b.warm(ctx, name, running, l); err != nil {
			return nil, err
		}
		samples := make([][]sample, len(running))
		err = b.interleave(name, running, func(at int) error {
			s, err := b.sampled(ctx, running[at], l, b.seconds)
			samples[at] = append(samples[at], s)
			return err
		})
		if err != nil {
			return nil, err
		}
		calls, err := b.allCalls(ctx, name, running, l)
		if err != nil {
			return nil, err
		}
		t := newTable(title, plainColumns...)
		for i, p := range running {
			add(t, p.name, plainCells(samples[i], samples[0], calls[i])...)
		}
		return t, nil
	}}
}

var plainColumns = []result.Column{
	{Name: "CPU", Unit: "µs", Digits: 1}, {Name: "user", Unit: "µs", Digits: 1}, {Name: "sys", Unit: "µs", Digits: 1},
	{Name: "ratio", Unit: "nginx", Digits: 2}, {Name: "range"}, {Name: "calls", Digits: 1}, {Name: "alloc", Digits: 1},
	{Name: "p50", Unit: "ms", Digits: 1}, {Name: "p99", Unit: "ms", Digits: 1}, {Name: "1000", Unit: "/s", Digits: 1},
}

func plainCells(own, nginx []sample, calls float64) []any {
	ratios := against(own, nginx, sample.cpu)
	return []any{
		middle(own, sample.cpu), middle(own, sample.user), middle(own, sample.system), ratios.median(), ratios.spread(), calls,
		middle(own, sample.allocated), middle(own, sample.middling), middle(own, sample.slow), middle(own, sample.thousands),
	}
}
