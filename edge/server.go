package edge

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server accepts HTTP/1.1 and HTTP/2 from clients. HTTP/1.1 it reads itself, by
// package wire; a connection that begins with the preface of HTTP/2, or that chose
// "h2" in the handshake (see [Server.TLS]), is net/http's. Create it with
// [Edge.Server]. Safe for concurrent use.
type Server struct {
	edge   *Edge
	times  times
	http2  *http2Front
	ctx    context.Context // of all requests; ended by Close
	cancel context.CancelFunc

	visits sync.Pool    // of *visit
	spoil  func(*visit) // of one that is over; nil but in tests

	closing atomic.Bool // set with mu held

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	clients   map[*client]struct{}
	drained   chan struct{} // closed when closing, and no client is left
}

// times bound what a client may take.
type times struct {
	idle   time.Duration // between requests
	head   time.Duration // from its first byte to its last
	stall  time.Duration // for a part of an answer to be taken
	linger time.Duration // for what is sent on when the answer has gone out
}

// Server returns a server for e with the protocol's limits: 10 s for a head, 64
// KiB and 200 fields of it, 60 s idle.
func (e *Edge) Server() *Server {
	s := &Server{
		edge:      e,
		times:     times{idle: time.Minute, head: 10 * time.Second, stall: time.Minute, linger: 500 * time.Millisecond},
		listeners: make(map[net.Listener]struct{}),
		clients:   make(map[*client]struct{}),
		drained:   make(chan struct{}),
	}
	s.visits.New = func() any { return newVisit(e) }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http2 = newHTTP2Front(s)
	return s
}

// Serve accepts connections until the server is closed or shut down, when it
// returns [http.ErrServerClosed], or until l fails. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.listen(l) {
		return http.ErrServerClosed
	}
	defer s.unlisten(l)
	var pause time.Duration
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			s.accept(conn)
			continue
		}
		if s.isClosing() {
			return http.ErrServerClosed
		}
		if !passes(err) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.edge.cfg.Logger.Warn("cannot accept a connection now", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
		}
	}
}

// passes reports whether an error of Accept is of one connection, or of a lack
// of descriptors, after which others can be accepted.
func passes(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}

// Shutdown stops listening, closes idle connections, tells the others in HTTP/2 to
// send nothing more, and waits until the requests under way have ended, or ctx has.
// Tunnels are not waited for: [Edge.Close] ends them.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.close()
	for c := range s.clients {
		if c.state.CompareAndSwap(idle, barred) {
			c.conn.Close()
		}
	}
	s.mu.Unlock()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		s.http2.goAway()
		select {
		case <-s.drained:
			return nil
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stops listening and closes all connections but tunnels.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
	s.cancel()
	for c := range s.clients {
		c.conn.Close()
		c.life.End(nil)
	}
	return s.http2.server.Close()
}

// close begins the end; mu is held.
func (s *Server) close() {
	if s.closing.Swap(true) {
		return
	}
	for l := range s.listeners {
		l.Close()
	}
	if len(s.clients) == 0 {
		close(s.drained)
	}
}

func (s *Server) isClosing() bool { return s.closing.Load() }

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) unlisten(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) accept(conn net.Conn) {
	c := newClient(s, conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		conn.Close()
		return
	}
	s.clients[c] = struct{}{}
	go c.serve()
}

// remove forgets a client that is done, or that is a tunnel from now on.
func (s *Server) remove(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.clients[c]; !ok {
		return
	}
	delete(s.clients, c)
	if s.isClosing() && len(s.clients) == 0 {
		close(s.drained)
	}
}

// What a client may be. Shutdown bars those that are idle.
const (
	idle int32 = iota // between requests
	busy
	barred
)

// rest says that the client is between requests, when Shutdown may close it. It reports
// false if the server is closing: no request may begin.
func (c *client) rest() bool {
	c.state.Store(idle)
	return !c.server.isClosing()
}

// work says that a request begins. It reports false if none may.
func (c *client) work() bool { return c.state.CompareAndSwap(idle, busy) && !c.server.isClosing() }
