package position

import (
	"context"
	"slices"
	"sync"
)

// Tracker holds the position that a replica has reached, and lets many wait for
// it to reach another. Whoever follows the replica calls [Tracker.Advance];
// nothing is polled here. Create one with [NewTracker]. Safe for concurrent use.
type Tracker struct {
	// Joined, if not nil, is called when somebody has begun to wait, who then is among
	// those that First and Waiting tell of. It must not block. Set it before the first
	// Wait.
	Joined func()

	covers func(have, want Position) bool

	mu      sync.Mutex
	reached Position
	waiters []*waiter
}

type waiter struct {
	want Position
	done chan struct{}
}

// NewTracker returns a tracker at the zero position. covers reports whether a
// database at have has everything that want names; it is not called with a zero
// want.
func NewTracker(covers func(have, want Position) bool) *Tracker {
	return &Tracker{covers: covers}
}

// Reached returns the position that was last given to Advance.
func (t *Tracker) Reached() Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reached
}

// Waiting returns how many are waiting now.
func (t *Tracker) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiters)
}

// First returns the first of the positions that are awaited: one that covers none of
// the others. It is the zero position if nobody waits.
func (t *Tracker) First() (first Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waiters {
		if first == "" || t.covers(first, w.want) {
			first = w.want
		}
	}
	return first
}

// Advance says that the database has reached p, and wakes those whose wish that
// covers.
func (t *Tracker) Advance(p Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reached = p
	t.waiters = slices.DeleteFunc(t.waiters, func(w *waiter) bool {
		if !t.covers(p, w.want) {
			return false
		}
		close(w.done)
		return true
	})
}

// Wait returns nil as soon as the database has reached want, or the context's
// error. A want that is reached already costs no allocation and is granted even
// when ctx is done.
func (t *Tracker) Wait(ctx context.Context, want Position) error {
	t.mu.Lock()
	if want == "" || t.covers(t.reached, want) {
		t.mu.Unlock()
		return nil
	}
	w := &waiter{want: want, done: make(chan struct{})}
	t.waiters = append(t.waiters, w)
	t.mu.Unlock()
	if t.Joined != nil {
		t.Joined()
	}

	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return t.giveUp(ctx, w)
	}
}

// giveUp removes w, unless it was granted in the same moment.
func (t *Tracker) giveUp(ctx context.Context, w *waiter) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiters, w)
	if i < 0 {
		return nil
	}
	t.waiters = slices.Delete(t.waiters, i, i+1)
	return ctx.Err()
}
