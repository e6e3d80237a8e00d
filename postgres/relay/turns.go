package relay

import (
	"sync"
	"time"
)

// turn is what the app sent up to a point at which the server says that it is ready
// again: a query, or all up to a Sync.
type turn struct {
	began  time.Time
	hidden bool // a statement in it may have changed more than its tag says
}

// turns are those of one connection, in order. The app's side adds them before the
// server can see them; the server's side takes them off. Safe for concurrent use by
// the two.
type turns struct {
	mu    sync.Mutex
	open  []waiting // that the server has not been done with
	last  turn      // that it was done with
	ended bool      // there is no server any more
}

// waiting is a turn, or several that count as one.
type waiting struct {
	turn
	ends int // how often the server will say that it is ready; 0 while the app is not done
}

// mostTurns is how many are told apart. An app that sends more without reading has the
// next ones count as begun with the last of them: too early, so no request is missed.
const mostTurns = 64

// begin makes the login the first turn.
func (t *turns) begin(at time.Time) {
	t.open = []waiting{{turn: turn{began: at}, ends: 1}}
}

// said begins a turn, or goes on with one. It reports whether there is a server to
// hear it.
func (t *turns) said(hidden bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.open)
	if n == 0 || t.open[n-1].ends > 0 && n < mostTurns {
		t.open = append(t.open, waiting{turn: turn{began: time.Now()}})
		n++
	}
	newest := &t.open[n-1]
	newest.hidden = newest.hidden || hidden
	return !t.ended
}

// done ends the turn that said began.
func (t *turns) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.open); n > 0 {
		t.open[n-1].ends++
	}
}

// isSettled reports whether the app is not in the middle of a turn and waits for the
// end of one.
func (t *turns) isSettled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.open)
	return n > 0 && t.open[n-1].ends > 0
}

// ready takes off the turn that the server is done with.
func (t *turns) ready() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.open) == 0 || t.open[0].ends == 0 {
		return
	}
	t.open[0].ends--
	if t.open[0].ends == 0 {
		t.last = t.open[0].turn
		t.open = append(t.open[:0], t.open[1:]...)
	}
}

// now is the turn that the server is at; at none, the last one.
func (t *turns) now() (at turn, busy bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.open) == 0 {
		return t.last, false
	}
	return t.open[0].turn, true
}

// end says that there is no server any more. It returns the turn that it was at.
func (t *turns) end() (at turn, busy bool) {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	return t.now()
}
