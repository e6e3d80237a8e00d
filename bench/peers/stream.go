//go:build linux

package main

import (
	"context"

	"homing/bench/result"
)

// stream measures answers of 100 MiB. What does not end in time counts as far as it
// came.
func stream(ctx context.Context, b *bench) (*result.Table, error) {
	running, err := b.startAll(ctx, b.peers)
	if err != nil {
		return nil, err
	}
	defer stopAll(running)
	samples := make([][]sample, len(running))
	err = b.interleave("stream", running, func(at int) error {
		s, err := b.sampled(ctx, running[at], load{path: "/stream", conns: 4}, b.seconds)
		samples[at] = append(samples[at], s)
		return err
	})
	if err != nil {
		return nil, err
	}
	t := newTable("Answers of 100 MiB, 4 connections", result.Column{Name: "CPU", Unit: "s/GB", Digits: 2},
		result.Column{Name: "ratio", Unit: "nginx", Digits: 2}, result.Column{Name: "range"}, result.Column{Name: "rate", Unit: "GB/s", Digits: 2})
	for i, p := range running {
		ratios := against(samples[i], samples[0], sample.perGB)
		add(t, p.name, middle(samples[i], sample.perGB), ratios.median(), ratios.spread(), middle(samples[i], sample.rate))
	}
	return t, nil
}
