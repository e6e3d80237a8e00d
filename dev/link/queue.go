package link

import (
	"net"
	"os"
	"sync"
	"time"
)

// queue is one direction of a connection: parts that become due in their order.
// One goroutine puts, one takes.
type queue struct {
	mu     sync.Mutex
	parts  []part
	size   int
	err    error // what comes after the last part
	errDue time.Time

	changed chan struct{} // has one element when something changed
	room    chan struct{} // likewise when something was taken
}

type part struct {
	b   []byte
	due time.Time
}

func newQueue() *queue {
	return &queue{changed: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put appends b, which it keeps. It waits while too much is on its way, and
// reports false when the connection has ended.
func (q *queue) put(b []byte, due time.Time, dead <-chan struct{}) bool {
	for {
		q.mu.Lock()
		if q.err != nil {
			q.mu.Unlock()
			return false
		}
		if q.size < inFlight {
			q.parts = append(q.parts, part{b, due})
			q.size += len(b)
			q.mu.Unlock()
			signal(q.changed)
			return true
		}
		q.mu.Unlock()
		select {
		case <-q.room:
		case <-dead:
			return false
		}
	}
}

// end says what comes after the last part, unless that was said before. A zero
// due drops what has not been taken.
func (q *queue) end(err error, due time.Time) {
	q.mu.Lock()
	if due.IsZero() {
		q.parts, q.size, q.err = nil, 0, err
	} else if q.err == nil {
		q.err, q.errDue = err, due
	}
	q.mu.Unlock()
	signal(q.changed)
	signal(q.room)
}

// take returns up to n bytes as soon as they are due and gate lets them through;
// see [Link.through].
func (q *queue) take(n int, gate gate, deadline, dead <-chan struct{}) ([]byte, error) {
	for {
		var b []byte
		var wait time.Duration
		var err error
		held := gate(func() { b, wait, err = q.next(n) })
		if b != nil || err != nil {
			return b, err
		}
		var timer <-chan time.Time // nil: nothing is on its way
		if wait > 0 {
			timer = time.After(wait)
		}
		changed := q.changed
		if held != nil {
			changed = nil // of no use before the gate opens
		}
		select {
		case <-timer:
		case <-changed:
		case <-held:
		case <-deadline:
			return nil, os.ErrDeadlineExceeded
		case <-dead:
			return nil, net.ErrClosed
		}
	}
}

// next returns what is due now, or how long until something is; 0 is for ever.
func (q *queue) next(n int) ([]byte, time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.parts) == 0 {
		wait := time.Until(q.errDue)
		if q.err == nil {
			return nil, 0, nil
		}
		if wait > 0 {
			return nil, wait, nil
		}
		return nil, 0, q.err
	}
	first := &q.parts[0]
	if wait := time.Until(first.due); wait > 0 {
		return nil, wait, nil
	}
	b := first.b
	if len(b) > n {
		b, first.b = b[:n], b[n:]
	} else {
		q.parts = q.parts[1:]
	}
	q.size -= len(b)
	signal(q.room)
	return b, 0, nil
}

// idle reports whether nothing is on its way and nothing has ended.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.parts) == 0 && q.err == nil
}

// gate runs a function, or returns a channel that is closed when it is worth
// asking again.
type gate func(func()) (held <-chan struct{})

// always is a gate that is never shut.
func always(f func()) <-chan struct{} {
	f()
	return nil
}

// deadline is a moment after which reads fail, as a channel that is closed then.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	ch    chan struct{}
}

func (d *deadline) init() { d.ch = make(chan struct{}) }

func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ch
}

// set replaces the deadline, for a read that waits already too.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	select {
	case <-d.ch:
		d.ch = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	if wait := time.Until(t); wait > 0 {
		ch := d.ch
		d.timer = time.AfterFunc(wait, func() { d.pass(ch) })
	} else {
		close(d.ch)
	}
}

// pass closes ch, unless another deadline was set or has passed meanwhile.
func (d *deadline) pass(ch chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ch != ch {
		return
	}
	select {
	case <-ch:
	default:
		close(ch)
	}
}
