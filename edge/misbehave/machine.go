package misbehave

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Listener accepts connections on a loopback address, until the test ends. Safe for
// concurrent use.
type Listener struct {
	Addr string

	mu    sync.Mutex
	conns int
}

// Listen returns a listener that gives f each connection, counted from 0, which is
// closed when f returns. The test ends when all have returned: what is at the other
// end must be closed before.
func Listen(t testing.TB, f func(nth int, c *net.TCPConn, br *bufio.Reader)) *Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &Listener{Addr: l.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			nth := m.next()
			conns.Go(func() {
				defer c.Close()
				f(nth, c.(*net.TCPConn), bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return m
}

func (m *Listener) next() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns++
	return m.conns - 1
}

// Conns returns how many connections there have been.
func (m *Listener) Conns() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conns
}

// Machine misbehaves on its first connection, and serves well on all others: 200
// for whatever it is asked. Safe for concurrent use.
type Machine struct {
	*Listener

	mu         sync.Mutex
	deliveries map[string]int
	gone       chan struct{}
}

// NewMachine returns a machine that does the steps on its first connection. If they
// leave it open it serves well there, too.
func NewMachine(t testing.TB, steps ...Step) *Machine {
	m := &Machine{deliveries: make(map[string]int), gone: make(chan struct{})}
	m.Listener = Listen(t, func(nth int, nc *net.TCPConn, br *bufio.Reader) {
		_ = nc.SetDeadline(time.Now().Add(patience)) // an error shows at once
		c := &Conn{TCPConn: nc, ctx: t.Context(), in: br, seen: m.delivered}
		if nth == 0 {
			defer close(m.gone)
			if !do(c, steps) {
				return
			}
		}
		m.serve(c)
	})
	return m
}

// serve answers requests as a machine should.
func (m *Machine) serve(c *Conn) {
	for {
		r, err := http.ReadRequest(c.in)
		if err != nil {
			return
		}
		m.delivered(r.RequestURI)
		if _, err := io.Copy(io.Discard, r.Body); err != nil || !Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(c) {
			return
		}
	}
}

func (m *Machine) delivered(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deliveries[target]++
}

// Deliveries returns how many heads of requests for a target were read.
func (m *Machine) Deliveries(target string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.deliveries[target]
}

// Gone is closed when the first connection has ended.
func (m *Machine) Gone() <-chan struct{} { return m.gone }
