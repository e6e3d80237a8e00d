//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// sample is what one peer needed for one load, once.
type sample struct {
	told
	used   usage
	allocs float64 // for each request; negative: not told
	rss    int64
}

// each returns a time for one request.
func (s sample) each(d time.Duration) time.Duration {
	return time.Duration(float64(d) / float64(max(s.requests, 1)))
}

// sampled lets wrk load a peer for some seconds.
func (b *bench) sampled(ctx context.Context, p *proxy, l load, seconds int) (sample, error) {
	before, _, err := measure(p.pids)
	if err != nil {
		return sample{}, err
	}
	mallocs := p.mallocs(ctx)
	t, err := l.run(ctx, b.dir, p.url(""), seconds)
	if err != nil {
		return sample{}, err
	}
	allocs := -1.
	if mallocs >= 0 {
		allocs = (p.mallocs(ctx) - mallocs) / float64(max(t.requests, 1))
	}
	after, rss, err := measure(p.pids)
	if err != nil {
		return sample{}, err
	}
	if t.failed > t.requests/1000 {
		return sample{}, fmt.Errorf("%s answered %d of %d requests with errors", p.name, t.failed, t.requests)
	}
	return sample{told: t, used: after.since(before), allocs: allocs, rss: rss}, nil
}

// calls counts the system calls of one request.
func (b *bench) calls(ctx context.Context, p *proxy, l load, seconds int) (float64, error) {
	argv, err := l.command(b.dir, p.url(""), seconds)
	if err != nil {
		return 0, err
	}
	said, n, err := countCalls(ctx, b.dir, p.pids, argv)
	if err != nil {
		return 0, err
	}
	t, err := parseWrk(said)
	return float64(n) / float64(max(t.requests, 1)), err
}

// plain measures requests that one machine answers, through each peer.
func (b *bench) plain(ctx context.Context, name, title string, l load) error {
	running, err := b.startAll(ctx, b.peers)
	if err != nil {
		return err
	}
	defer stopAll(running)
	samples := make([][]sample, len(running))
	for round := range b.rounds {
		for i := range running {
			at := (i + round) % len(running) // each comes first once
			b.progress("%s, round %d of %d: %s", name, round+1, b.rounds, running[at].name)
			s, err := b.sampled(ctx, running[at], l, b.seconds)
			if err != nil {
				return err
			}
			samples[at] = append(samples[at], s)
		}
	}
	t := table{title: title, head: plainHead}
	for i, p := range running {
		b.progress("%s, system calls: %s", name, p.name)
		calls, err := b.calls(ctx, p, l, 1)
		if err != nil {
			return err
		}
		t.rows = append(t.rows, plainRow(p.name, samples[i], samples[0], calls))
	}
	b.show(t)
	return nil
}

var plainHead = []string{"", "CPU µs", "user", "sys", "÷ nginx", "calls", "allocs", "p50 µs", "p99 µs", "req/s"}

// plainRow puts the medians of one peer's samples into words.
func plainRow(name string, own, first []sample, calls float64) []string {
	of := func(what func(sample) float64) float64 { return median(mapped(own, what)) }
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = float64(own[i].each(own[i].used.total())) / float64(first[i].each(first[i].used.total()))
	}
	return []string{
		name,
		fmt.Sprintf("%.1f", of(func(s sample) float64 { return micros(s.each(s.used.total())) })),
		fmt.Sprintf("%.1f", of(func(s sample) float64 { return micros(s.each(s.used.user)) })),
		fmt.Sprintf("%.1f", of(func(s sample) float64 { return micros(s.each(s.used.system)) })),
		fmt.Sprintf("%.2f", median(ratios)),
		fmt.Sprintf("%.1f", calls),
		orDash("%.1f", of(func(s sample) float64 { return s.allocs })),
		fmt.Sprintf("%.0f", of(func(s sample) float64 { return micros(s.p50) })),
		fmt.Sprintf("%.0f", of(func(s sample) float64 { return micros(s.p99) })),
		fmt.Sprintf("%.0f", of(func(s sample) float64 { return float64(s.requests) / s.elapsed.Seconds() })),
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// orDash writes a number, or a dash where it was not told.
func orDash(format string, f float64) string {
	if f < 0 {
		return "–"
	}
	return fmt.Sprintf(format, f)
}
