package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"homing/bench/result"
)

// grow is how many writes go before the one that is measured: by then TCP has learnt how
// much the way takes, and the receiver has made room.
const grow = 5

// measurement is all that is measured, one write at a time.
type measurement struct {
	cfg    config
	show   io.Writer
	setups []setup // those that this system has
	worlds []*world
	left   []string // what could not be set up, and why
	tracks []*track

	roundTrip   result.Sample
	warm, after map[key]*result.Sample
}

// key names what a sample is of: a setup by its number, and the size of a body.
type key struct{ setup, size int }

// measure does all of it.
func measure(ctx context.Context, cfg config, progress io.Writer) (*result.Result, error) {
	m := &measurement{cfg: cfg, show: progress}
	defer m.close()
	if err := m.prepare(); err != nil {
		return nil, err
	}
	if err := m.measureWarm(ctx); err != nil {
		return nil, err
	}
	if cfg.idle > 0 {
		if err := m.measureAfter(ctx); err != nil {
			return nil, err
		}
	}
	return m.report(), nil
}

func (m *measurement) close() {
	for _, t := range m.tracks {
		t.endBeats() // after a failure, which says more
	}
	for _, w := range m.worlds {
		w.close()
	}
}

// prepare makes a world for each setup, and in it an edge for each size and try.
func (m *measurement) prepare() error {
	m.warm, m.after = map[key]*result.Sample{}, map[key]*result.Sample{}
	for i, s := range setups() {
		w, err := newWorld(s.wan, m.cfg.from, m.cfg.to)
		if err != nil && i == 0 {
			return err
		}
		if err != nil { // a kernel without bbr, say
			m.left = append(m.left, fmt.Sprintf("%q was left out: %v.", s.name, err))
			continue
		}
		m.setups, m.worlds = append(m.setups, s), append(m.worlds, w)
		for _, size := range m.cfg.sizes {
			k := key{len(m.setups) - 1, size}
			m.warm[k], m.after[k] = new(result.Sample), new(result.Sample)
			for range m.cfg.tries {
				t, err := w.newTrack(s.keep(m.cfg.idle), size)
				if err != nil {
					return err
				}
				t.setup = k.setup
				m.tracks = append(m.tracks, t)
			}
		}
	}
	return nil
}

// measureWarm lets each track write until it is warm, and once more.
func (m *measurement) measureWarm(ctx context.Context) error {
	defer m.say("")
	if err := m.measureRoundTrips(ctx); err != nil {
		return err
	}
	for i, t := range m.tracks {
		m.say("Writing on %d of %d connections, just used", i+1, len(m.tracks))
		for range grow {
			if _, err := t.write(ctx); err != nil {
				return err
			}
		}
		if err := m.sample(ctx, t, m.warm); err != nil {
			return err
		}
		if m.setups[t.setup].beats && m.cfg.idle > 0 {
			t.startBeats(ctx, m.beat())
		}
	}
	return nil
}

func (m *measurement) measureRoundTrips(ctx context.Context) error {
	for range m.cfg.tries {
		for _, w := range m.worlds {
			took, err := w.roundTrip(ctx)
			if err != nil {
				return err
			}
			m.roundTrip.AddMilliseconds(took)
		}
	}
	return nil
}

// beat is how often something is sent for TCP to see no pause. It sees one after its
// retransmission timeout, which on Linux is a round trip and 200 ms at least; once is
// enough for it to forget half of what it knew.
func (m *measurement) beat() time.Duration {
	return time.Duration(m.trip()*float64(time.Millisecond)) + 50*time.Millisecond
}

// measureAfter lets each track write once more, after its pause. The pauses overlap.
func (m *measurement) measureAfter(ctx context.Context) error {
	defer m.say("")
	for i, t := range m.tracks {
		if err := m.pause(ctx, t.last.Add(m.cfg.idle)); err != nil {
			return err
		}
		m.say("Writing on %d of %d connections, after %v", i+1, len(m.tracks), m.cfg.idle)
		if err := t.endBeats(); err != nil {
			return err
		}
		if err := m.sample(ctx, t, m.after); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) sample(ctx context.Context, t *track, into map[key]*result.Sample) error {
	took, err := t.write(ctx)
	if err != nil {
		return fmt.Errorf("%s, a body of %s: %w", m.setups[t.setup].name, sizeName(len(t.body)), err)
	}
	into[key{t.setup, len(t.body)}].AddMilliseconds(took)
	return nil
}

// pause waits until a time and says how long it still is.
func (m *measurement) pause(ctx context.Context, until time.Time) error {
	for {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		if left > time.Second {
			m.say("Writing nothing for %v", left.Round(time.Second))
		}
		select {
		case <-time.After(min(left, time.Second)):
		case <-ctx.Done():
			return errors.New("interrupted; nothing is left behind")
		}
	}
}

// say replaces the line that says how far we are.
func (m *measurement) say(format string, args ...any) {
	fmt.Fprintf(m.show, "\r\x1b[K"+format, args...)
}

func sizeName(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
