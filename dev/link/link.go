// Package link makes connections between processes on one machine behave as if
// an ocean lay between them: what is sent arrives one way later, connecting takes
// a round trip, and what comes can be held back while everything else goes on.
//
// The delay is applied at one end of an ordinary connection, to both directions,
// so that the other end needs to know nothing:
//
//	atlantic := link.New(47 * time.Millisecond)
//	defer atlantic.Close()
//	transport := &http.Transport{DialContext: atlantic.Dial}
//
// It delays, and keeps the order; it does not lose packets, and has no slow start
// of its own.
package link

import (
	"context"
	"net"
	"sync"
	"time"
)

// Link is the way between two places. All connections that were dialled through
// it share its delay, and can be held back together. Create it with [New]. Safe
// for concurrent use.
type Link struct {
	oneWay time.Duration
	dialer net.Dialer

	mu       sync.RWMutex
	released chan struct{} // closed while nothing is held back
	conns    map[*conn]struct{}
	cut      bool // for now
	closed   bool // for good
}

// New returns a link on which everything takes oneWay to arrive.
func New(oneWay time.Duration) *Link {
	l := &Link{oneWay: oneWay, released: make(chan struct{}), conns: make(map[*conn]struct{})}
	close(l.released)
	return l
}

// Dial connects to addr over the link. It has the form of
// [net.Dialer.DialContext].
func (l *Link) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.isCut() {
		return nil, errCut
	}
	nc, err := l.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	// The handshake: a SYN there, its answer back.
	if err := sleep(ctx, 2*l.oneWay); err != nil {
		nc.Close()
		return nil, err
	}
	return l.Wrap(nc), nil
}

// Wrap puts the link on a connection that exists.
func (l *Link) Wrap(nc net.Conn) net.Conn {
	c := newConn(l, nc)
	l.mu.Lock()
	l.conns[c] = struct{}{}
	ended := l.closed || l.cut
	l.mu.Unlock()
	if ended {
		c.kill()
	}
	return c
}

// Hold holds back what comes to this end, also what is on its way, until
// Release. What is sent from here still arrives.
func (l *Link) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.released:
		l.released = make(chan struct{})
	default: // held already
	}
}

// Release lets everything come that was held back.
func (l *Link) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.released:
	default:
		close(l.released)
	}
}

// Held reports whether what comes is held back.
func (l *Link) Held() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	select {
	case <-l.released:
		return false
	default:
		return true
	}
}

// through runs f unless the link is held; then it returns a channel that is
// closed at the next Release. Hold waits for f to end: when it has returned,
// nothing comes through any more.
func (l *Link) through(f func()) (held <-chan struct{}) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	select {
	case <-l.released:
		f()
		return nil
	default:
		return l.released
	}
}

// Close breaks all connections at once.
func (l *Link) Close() { l.breakAfter(func() { l.closed = true }) }

// breakAfter breaks all connections there are once change, which is called with mu held,
// has seen to it that there will be no others.
func (l *Link) breakAfter(change func()) {
	l.mu.Lock()
	change()
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		c.kill()
	}
}

func (l *Link) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
