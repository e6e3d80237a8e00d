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
	after, _, err := measure(p.pids)
	if err != nil {
		return sample{}, err
	}
	if t.failed > t.requests/1000 {
		return sample{}, fmt.Errorf("%s failed %d of %d requests", p.name, t.failed, t.requests)
	}
	return sample{told: t, used: after.since(before), allocs: allocs}, nil
}

// each returns the part of a time that one request had, in microseconds.
func (s sample) each(d time.Duration) float64 { return micros(d) / float64(max(s.requests, 1)) }

func (s sample) cpu() float64 { return s.each(s.used.total()) }

// perGB returns the processor's seconds for 1 GB of answers.
func (s sample) perGB() float64 { return s.used.total().Seconds() / max(s.bytes/1e9, 1e-9) }

// rate returns GB of answers in a second.
func (s sample) rate() float64 { return s.bytes / 1e9 / s.elapsed.Seconds() }

func (s sample) user() float64      { return s.each(s.used.user) }
func (s sample) system() float64    { return s.each(s.used.system) }
func (s sample) allocated() float64 { return s.allocs }
func (s sample) middling() float64  { return micros(s.p50) / 1000 }
func (s sample) slow() float64      { return micros(s.p99) / 1000 }
func (s sample) thousands() float64 { return float64(s.requests) / s.elapsed.Seconds() / 1000 }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// middle returns the median of what was measured.
func middle(samples []sample, what func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, what(s))
	}
	return median(values)
}

// calls counts the system calls of one request; negative: nothing here counts them.
func (b *bench) calls(ctx context.Context, p *proxy, l load) (float64, error) {
	argv, err := l.command(b.dir, p.url(""), 1)
	if err != nil {
		return 0, err
	}
	said, n, err := countCalls(ctx, b.dir, p.pids, argv)
	if err != nil || n < 0 {
		return -1, err
	}
	t, err := parseWrk(said)
	return float64(n) / float64(max(t.requests, 1)), err
}

// allCalls counts the system calls of each peer.
func (b *bench) allCalls(ctx context.Context, name string, running []*proxy, l load) ([]float64, error) {
	counts := make([]float64, len(running))
	for i, p := range running {
		progress("%s, system calls: %s", name, p.name)
		n, err := b.calls(ctx, p, l)
		if err != nil {
			return nil, err
		}
		counts[i] = n
	}
	return counts, nil
}
