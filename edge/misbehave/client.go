package misbehave

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Client is a connection that does steps. Unless it is deaf, what comes is read
// beside them. Its methods are called by one goroutine; only Close may be called by
// any.
type Client struct {
	t    testing.TB
	conn *Conn
	done chan struct{} // closed when nothing more comes; nil: deaf

	mu    sync.Mutex
	heard strings.Builder
	more  chan struct{} // closed when there is more
}

// Dial returns a client.
func Dial(t testing.TB, addr string) *Client {
	c := DialDeaf(t, addr)
	c.done = make(chan struct{})
	go c.listen()
	t.Cleanup(func() { <-c.done })
	t.Cleanup(c.Close)
	return c
}

// DialDeaf returns a client that never reads what it is sent.
func DialDeaf(t testing.TB, addr string) *Client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{t: t, conn: &Conn{TCPConn: nc.(*net.TCPConn), ctx: t.Context()}, more: make(chan struct{})}
	_ = nc.SetDeadline(time.Now().Add(patience)) // an error shows at once
	t.Cleanup(c.Close)
	return c
}

// Close closes the connection, whatever is still to come.
func (c *Client) Close() { c.conn.Close() }

// Do does the steps, and closes the connection if one of them ends it.
func (c *Client) Do(steps ...Step) {
	if !do(c.conn, steps) {
		c.conn.Close()
	}
}

// Heard returns all that came, when the connection has ended.
func (c *Client) Heard() string {
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard.String()
}

// Await waits until text was heard, and fails the test if it is not.
func (c *Client) Await(text string) {
	c.t.Helper()
	for {
		c.mu.Lock()
		heard, more := strings.Contains(c.heard.String(), text), c.more
		c.mu.Unlock()
		if heard {
			return
		}
		select {
		case <-more:
		case <-c.done:
			if got := c.Heard(); !strings.Contains(got, text) {
				c.t.Fatalf("never heard %q, but %q", text, got)
			}
			return
		}
	}
}

func (c *Client) listen() {
	defer close(c.done)
	buf := make([]byte, 32<<10)
	for {
		n, err := c.conn.Read(buf)
		c.mu.Lock()
		c.heard.Write(buf[:n])
		close(c.more)
		c.more = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}
