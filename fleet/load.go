package fleet

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// DefaultSoft is the soft limit where none is set.
const DefaultSoft = 20

// Limits are how much a machine takes at once, as in fly.toml's concurrency.
type Limits struct {
	Type LimitType
	Soft int // from here on others are better; 0: DefaultSoft
	Hard int // here is the end, and requests wait; 0: none
}

// LimitType is what limits count.
type LimitType uint8

const (
	// Requests: a slot is held until the answer has ended.
	Requests LimitType = iota
	// Connections: as Requests, since a connection to a machine carries one request
	// at a time, and an idle one that is kept for the next does not count. A tunnel
	// holds its slot until it ends, with either type.
	Connections
)

// soft returns the soft limit in force: never 0, and never beyond the hard one.
func (l Limits) soft() int {
	soft := l.Soft
	if soft <= 0 {
		soft = DefaultSoft
	}
	if l.Hard > 0 {
		soft = min(soft, l.Hard)
	}
	return soft
}

// Slot is one request's share of what a machine takes. The zero value holds
// nothing. It must be given back once, by one of its copies.
type Slot struct {
	Machine *Machine // as its snapshot has it, not to be modified; nil in the zero value
	load    *load
}

// Release gives the slot back: to the one who has waited longest for this machine,
// if anybody does. A second call does nothing.
func (s *Slot) Release() {
	if s.load != nil {
		s.load.release()
		s.load = nil
	}
}

// Acquire takes a slot of m, unless m is at its hard limit. A machine that is not
// from a snapshot has no limit.
func (m *Machine) Acquire() (Slot, bool) {
	if m.load != nil && !m.load.acquire() {
		return Slot{}, false
	}
	return Slot{m, m.load}, true
}

// Load is how many slots of m are held now.
func (m *Machine) Load() int {
	if m.load == nil {
		return 0
	}
	return int(m.load.used.Load())
}

// Full reports whether m is at its hard limit now. It asks for the limit that
// Acquire will ask for, which may be newer than m.
func (m *Machine) Full() bool { return m.load != nil && m.load.full() }

// Waiting is how many stand in the line for a slot of m, be it in other lines too.
func (m *Machine) Waiting() int {
	if m.load == nil {
		return 0
	}
	m.load.mu.Lock()
	defer m.load.mu.Unlock()
	return m.load.line.Len()
}

// Share is m's load and its soft limit: who has the smaller quotient is less
// loaded, and who is under the soft limit has one less than 1.
func (m *Machine) Share() (load, soft int) { return m.Load(), m.Limits.soft() }

// load counts what one machine has under way, and lines up those who wait for it.
// The line is empty while there is room: a slot that comes free with somebody
// waiting is handed over, so nobody can get in between.
type load struct {
	used atomic.Int64 // changed with mu held
	hard atomic.Int64 // changed with mu held; 0: none

	mu     sync.Mutex
	line   list.List // of *waiter, the one who came first in front
	queued int       // waiters that were let in on account of this machine
}

func newLoad(hard int) *load {
	l := new(load)
	l.hard.Store(int64(hard))
	return l
}

func (l *load) full() bool {
	hard := l.hard.Load()
	return hard > 0 && l.used.Load() >= hard
}

func (l *load) acquire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full() {
		return false
	}
	l.used.Add(1)
	return true
}

func (l *load) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used.Add(-1)
	l.serve()
}

// setHard changes the hard limit. What is beyond a lower one runs to its end.
func (l *load) setHard(hard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hard.Store(int64(hard))
	l.serve()
}

// serve gives free slots to those who wait; mu is held.
func (l *load) serve() {
	for l.line.Len() > 0 && !l.full() {
		w := l.line.Remove(l.line.Front()).(*waiter)
		if w.claim() { // else another machine has served it
			l.used.Add(1)
			w.turn <- l
		}
	}
}
