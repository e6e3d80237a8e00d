package edge

import (
	"sync"
	"time"
)

var past = time.Unix(1, 0)

// readTime says how long a read of a client's connection may take.
type readTime uint8

const (
	betweenRequests readTime = iota
	headBegins               // the next read is the first of a head, or none is needed
	inHead
	unbounded // of a body, or to notice that the client has gone
)

// clock keeps a client's deadlines. One that was set is left as it is while it is as
// good as a new one: between requests, and for writes, a sixty-fourth of the time does
// not matter, and a head that came in one piece needs none.
type clock struct {
	reads     readTime
	readUntil time.Time // as it was set; zero: it was not

	writes     sync.Mutex // writeUntil is as the connection has it
	writeUntil time.Time  // likewise
}

// forget says that somebody else has set the deadline of reads.
func (k *clock) forget() { k.readUntil = past }

// grain is what does not matter.
const grain = 64

// isFresh reports whether a deadline that was set is as good as one that begins now.
func isFresh(deadline time.Time, d time.Duration) bool {
	left := time.Until(deadline)
	return left <= d && left > d-d/grain
}

// reading is a client's connection as its Reader sees it.
type reading struct{ *client }

func (r reading) Read(p []byte) (int, error) {
	c := r.client
	switch c.clock.reads {
	case betweenRequests:
		c.readWithin(c.server.times.idle)
	case headBegins:
		c.clock.reads = inHead
		c.clock.readUntil = time.Time{}
		c.readWithin(c.server.times.head)
	}
	return c.conn.Read(p)
}

// readWithin bounds the reads that come, to d or a little less.
func (c *client) readWithin(d time.Duration) {
	if isFresh(c.clock.readUntil, d) {
		return
	}
	until := time.Now().Add(d)
	c.clock.readUntil = until
	_ = c.conn.SetReadDeadline(until) // an error shows at the read
}

// boundless lets the reads that come take their time. It must not be called while
// somebody may interrupt one.
func (c *client) boundless() {
	if !c.clock.readUntil.IsZero() {
		c.clock.readUntil = time.Time{}
		_ = c.conn.SetReadDeadline(time.Time{}) // an error shows at the read
	}
}

// interrupt ends a read of the connection that is under way.
func (c *client) interrupt() { _ = c.conn.SetReadDeadline(past) }

// writeWithin bounds the next write, to d or a little less: a client that takes nothing
// must not hold a machine for ever.
func (c *client) writeWithin(d time.Duration) {
	k := &c.clock
	k.writes.Lock()
	defer k.writes.Unlock()
	if isFresh(k.writeUntil, d) {
		return
	}
	until := time.Now().Add(d)
	k.writeUntil = until
	_ = c.conn.SetWriteDeadline(until) // an error shows at the write
}

// interruptWrite ends a write of the connection that is under way.
func (c *client) interruptWrite() {
	c.clock.writes.Lock()
	defer c.clock.writes.Unlock()
	c.clock.writeUntil = past
	_ = c.conn.SetWriteDeadline(past) // an error shows at the write
}
