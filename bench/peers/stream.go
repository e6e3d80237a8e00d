//go:build linux

package main

import "context"

// stream measures answers of 100 MiB. What does not end in time counts as far as it
// came.
func stream(ctx context.Context, b *bench) (table, error) {
	running, err := b.startAll(ctx, b.peers)
	if err != nil {
		return table{}, err
	}
	defer stopAll(running)
	samples := make([][]sample, len(running))
	err = b.interleave("stream", running, func(at int) error {
		s, err := b.sampled(ctx, running[at], load{path: "/stream", conns: 4}, b.seconds)
		samples[at] = append(samples[at], s)
		return err
	})
	t := table{name: "stream", title: "Answers of 100 MiB, 4 connections", columns: []column{{"CPU s/GB", 2}, {"÷ nginx", 2}, {"GB/s", 2}}}
	for i, p := range running {
		t.add(p.name, middle(samples[i], sample.perGB), ratio(samples[i], samples[0], sample.perGB), middle(samples[i], sample.rate))
	}
	return t, err
}
