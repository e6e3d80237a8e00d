//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// holding is what an edge has at a moment.
type holding struct {
	goroutines, files int
	heap              float64 // MiB, after a collection
}

// within reports whether h is no more than before. A heap may have grown by what maps
// and pools keep for good.
func (h holding) within(before holding) bool {
	return h.goroutines <= before.goroutines && h.files <= before.files && h.heap <= before.heap*1.1+1
}

// patience is how long an edge may take to let go of what it has: longer than it
// keeps idle connections on either side.
const patience = 90 * time.Second

// quiet waits until the edge holds no more than before, or, where that is nothing,
// until it has held the same for some seconds.
func (s *soak) quiet(ctx context.Context, before holding) (holding, error) {
	enough := time.After(patience)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	var last holding
	for same := 0; ; {
		now, err := s.holding(ctx)
		if err != nil {
			return last, err
		}
		same++
		if now.goroutines != last.goroutines || now.files != last.files {
			same = 0
		}
		last = now
		if before != (holding{}) && now.within(before) || before == (holding{}) && same >= 12 {
			return now, nil
		}
		progress("waiting for quiet: %s", now)
		select {
		case <-tick.C:
		case <-enough:
			return last, nil // conclude says what is left
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

func (h holding) String() string {
	return fmt.Sprintf("%d goroutines, %d files, heap %.1f MiB", h.goroutines, h.files, h.heap)
}

func (s *soak) holding(ctx context.Context) (holding, error) {
	for range 2 { // what is pooled goes with the second collection
		if _, err := s.edge.ask(ctx, "/stats?gc"); err != nil {
			return holding{}, err
		}
	}
	now, err := s.edge.ask(ctx, "/stats?gc")
	return holding{now.Goroutines, descriptors(s.edge.pids), now.Heap / (1 << 20)}, err
}
