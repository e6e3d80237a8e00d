//go:build linux

package main

import "context"

// plain measures requests that one machine answers.
func plain(name, title string, l load) scenario {
	return scenario{name: name, run: func(ctx context.Context, b *bench) (table, error) {
		running, err := b.startAll(ctx, b.peers)
		if err != nil {
			return table{}, err
		}
		defer stopAll(running)
		if err := b.warm(ctx, name, running, l); err != nil {
			return table{}, err
		}
		samples := make([][]sample, len(running))
		err = b.interleave(name, running, func(at int) error {
			s, err := b.sampled(ctx, running[at], l, b.seconds)
			samples[at] = append(samples[at], s)
			return err
		})
		if err != nil {
			return table{}, err
		}
		calls, err := b.allCalls(ctx, name, running, l)
		if err != nil {
			return table{}, err
		}
		t := table{name: name, title: title, columns: plainColumns}
		for i, p := range running {
			t.add(p.name, plainValues(samples[i], samples[0], calls[i])...)
		}
		return t, nil
	}}
}

var plainColumns = []column{
	{"CPU µs", 1}, {"user", 1}, {"sys", 1}, {"÷ nginx", 2}, {"calls", 1}, {"allocs", 1}, {"p50 µs", 0}, {"p99 µs", 0}, {"req/s", 0},
}

func plainValues(own, nginx []sample, calls float64) []float64 {
	return []float64{
		middle(own, sample.cpu),
		middle(own, func(s sample) float64 { return s.each(s.used.user) }),
		middle(own, func(s sample) float64 { return s.each(s.used.system) }),
		ratio(own, nginx, sample.cpu),
		calls,
		middle(own, func(s sample) float64 { return s.allocs }),
		middle(own, func(s sample) float64 { return micros(s.p50) }),
		middle(own, func(s sample) float64 { return micros(s.p99) }),
		middle(own, func(s sample) float64 { return float64(s.requests) / s.elapsed.Seconds() }),
	}
}
