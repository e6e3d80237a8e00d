//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"homing/primary"
)

// Paths of the app that a soak asks for.
const (
	replayed = "/replay" // in ams: a replay to ord
	long     = "/long"   // an answer of longAnswer bytes
	broken   = "/broken" // an answer that breaks off
	upgraded = "/tunnel" // what is sent comes back
)

const longAnswer = 4 << 20

var (
	page   = strings.Repeat("0123456789abcde\n", 64)
	longer = strings.Repeat(page, 64)
)

// machine is a copy of an app that can die and come back at the same address.
type machine struct {
	home bool
	seen *ledger
	addr string

	mu      sync.Mutex
	server  *http.Server
	tunnels map[net.Conn]struct{}
}

func newMachine(home bool, seen *ledger) (*machine, error) {
	m := &machine{home: home, seen: seen, tunnels: map[net.Conn]struct{}{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m.addr = l.Addr().String()
	m.serve(l)
	return m, nil
}

func (m *machine) serve(l net.Listener) {
	server := &http.Server{Handler: m}
	m.mu.Lock()
	m.server = server
	m.mu.Unlock()
	go server.Serve(l) //nolint:errcheck // it ends when die closes it
}

// die closes all that the machine has open, in the middle of whatever it does.
func (m *machine) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server.Close()
	for c := range m.tunnels {
		c.Close()
	}
}

// revive lets the machine serve again.
func (m *machine) revive(ctx context.Context) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		l, err := net.Listen("tcp", m.addr)
		if err == nil {
			m.serve(l)
			return nil
		}
		select {
		case <-again.C: // somebody's connection had the port for its own end
		case <-ctx.Done():
			return err
		}
	}
}

func (m *machine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == primary.Path:
		http.NotFound(w, r)
	case r.URL.Path == replayed && !m.home:
		w.Header().Set("Fly-Replay", "region=ord;state=method")
		w.WriteHeader(http.StatusConflict)
	case r.URL.Path == upgraded:
		m.echo(w)
	case r.Method == http.MethodPost:
		m.take(w, r)
	case r.URL.Path == long:
		for range longAnswer / len(longer) {
			io.WriteString(w, longer) //nolint:errcheck // who is gone does not want it
		}
	case r.URL.Path == broken:
		io.WriteString(w, longer) //nolint:errcheck // it is broken anyway
		panic(http.ErrAbortHandler)
	default:
		io.WriteString(w, page) //nolint:errcheck // who is gone does not want it
	}
}

// take reads a body and answers with what it was.
func (m *machine) take(w http.ResponseWriter, r *http.Request) {
	m.seen.run(r.Header.Get(idHeader))
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, receipt(n, sum.Sum32()))
}

// receipt is the answer to a body.
func receipt(n int64, sum uint32) string { return fmt.Sprintf("%d bytes, %08x", n, sum) }

// echo sends back what comes through a tunnel, until either side ends.
func (m *machine) echo(w http.ResponseWriter) {
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	m.mu.Lock()
	m.tunnels[c] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.tunnels, c)
		m.mu.Unlock()
	}()
	if _, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"); err == nil {
		_, _ = io.Copy(c, buffered)
	}
}

// mortality lets machines die and come back, in turn, until ctx ends; all live then.
func mortality(ctx context.Context, machines ...*machine) error {
	step := time.NewTicker(2 * time.Second)
	defer step.Stop()
	for i := 0; ; i++ {
		select {
		case <-step.C:
		case <-ctx.Done():
			return nil
		}
		m := machines[i%len(machines)]
		m.die()
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err := m.revive(bounded)
		cancel()
		if err != nil {
			return errors.Join(errors.New("a machine did not come back"), err)
		}
	}
}
