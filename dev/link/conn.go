package link

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// inFlight bounds what one direction of a connection holds, in bytes. It stands
// for the window of a long line: enough for 80 MB/s at 50 ms.
const inFlight = 4 << 20

// conn delays both directions of a connection. One goroutine takes what arrives
// and notes when it is due, another sends what is due.
type conn struct {
	net.Conn
	link *Link

	in, out *queue
	dead    chan struct{} // closed by kill
	kill    func()

	deadline deadline
	refused  atomic.Pointer[error] // why the other side takes nothing more
}

func newConn(l *Link, nc net.Conn) *conn {
	c := &conn{Conn: nc, link: l, in: newQueue(), out: newQueue(), dead: make(chan struct{})}
	c.deadline.init()
	c.kill = sync.OnceFunc(func() {
		close(c.dead)
		nc.Close()
		l.forget(c)
	})
	go c.receive()
	go c.send()
	return c
}

// receive reads ahead, so that the delay does not slow the sender down.
func (c *conn) receive() {
	for {
		buf := make([]byte, 32<<10)
		n, err := c.Conn.Read(buf)
		due := time.Now().Add(c.link.oneWay)
		if n > 0 && !c.in.put(buf[:n], due, c.dead) {
			return
		}
		if err != nil {
			c.in.end(err, due)
			return
		}
	}
}

// send writes what is due, and closes when everything was sent after Close. What the
// other side does not take is dropped, as in a network: its answer may still be on the
// way.
func (c *conn) send() {
	defer c.kill()
	for {
		p, err := c.out.take(1<<20, always, nil, c.dead)
		if err != nil {
			return
		}
		if c.refused.Load() != nil {
			continue
		}
		if _, err := c.Conn.Write(p); err != nil {
			c.refused.Store(&err)
		}
	}
}

// Read returns what has arrived.
func (c *conn) Read(p []byte) (int, error) {
	b, err := c.in.take(len(p), c.link.through, c.deadline.passed(), c.dead)
	return copy(p, b), err
}

// Write sends p; it is with the other side one way later.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // a part without bytes would stop those that follow it
	}
	if err := c.refused.Load(); err != nil {
		return 0, *err
	}
	b := append([]byte(nil), p...)
	if !c.out.put(b, time.Now().Add(c.link.oneWay), c.dead) {
		return 0, net.ErrClosed
	}
	return len(p), nil
}

// Close lets what was written arrive, and reads nothing more.
func (c *conn) Close() error {
	c.out.end(io.EOF, time.Now().Add(c.link.oneWay))
	c.in.end(net.ErrClosed, time.Time{})
	return nil
}

// Alive reports whether the connection is open and nothing has come on it: it
// may be used for another exchange.
func (c *conn) Alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return c.refused.Load() == nil && c.in.idle()
	}
}

// SetDeadline sets the deadline of reads; writes never wait for the other side.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline makes reads that wait at t, and later ones, fail.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.deadline.set(t)
	return nil
}

// SetWriteDeadline does nothing: a write waits only when 4 MiB are on their way.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
