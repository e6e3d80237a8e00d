package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Relay passes connections of an app on to its server. Create it with [Listen]. Safe
// for concurrent use.
type Relay struct {
	cfg      Config
	listener net.Listener
	judge    judge
	life     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup

	away atomic.Bool // the server, at the last attempt

	mu       sync.Mutex
	sessions map[*session]struct{}
	closed   bool
}

// Listen opens the place where the app connects. It dials nothing: while the server
// is down, each connection of the app is told so. [Relay.Close] gives the place back.
func Listen(cfg Config) (*Relay, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	l, err := listen(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("relay: where it listens: %w", err)
	}
	r := &Relay{cfg: cfg, listener: l, sessions: map[*session]struct{}{}}
	r.judge.role, r.judge.look, r.judge.logger = cfg.Role, cfg.Look, cfg.Logger
	r.life, r.end = context.WithCancel(context.Background())
	return r, nil
}

const socketPort = 5432 // a Unix socket's name has one

func listen(at string) (net.Listener, error) {
	if !strings.HasPrefix(at, "/") {
		return net.Listen("tcp", at)
	}
	network, socket := pgconn.NetworkAddress(at, socketPort)
	l, err := net.Listen(network, socket)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	// A process that was killed leaves its socket behind, which nobody answers at.
	if conn, err := net.Dial(network, socket); err == nil {
		conn.Close()
	} else if errors.Is(err, syscall.ECONNREFUSED) && os.Remove(socket) == nil {
		return net.Listen(network, socket)
	}
	return nil, err
}

// Addr is where the relay listens.
func (r *Relay) Addr() net.Addr { return r.listener.Addr() }

// Serve passes connections on until ctx ends or the relay is closed, and returns nil
// when all of them have ended. It may be called once.
func (r *Relay) Serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, r.shut)()
	defer r.Close()
	for pause := time.Duration(0); ; {
		app, err := r.listener.Accept()
		switch {
		case err == nil:
			pause = 0
			r.start(app)
		case r.life.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("relay: %w", err)
		default: // such as too many open files, of which some will close
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			r.cfg.Logger.Warn("relay: a connection of the app was not accepted", "why", err, "again in", pause)
			select {
			case <-time.After(pause):
			case <-r.life.Done():
			}
		}
	}
}

// start runs a session, unless the relay is closed.
func (r *Relay) start(app net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		app.Close()
		return
	}
	s := &session{relay: r, app: app, began: time.Now()}
	r.running.Go(func() { s.run(r.life) })
}

// Close ends all connections, and returns when they have ended. It may be called
// again.
func (r *Relay) Close() error {
	r.shut()
	r.running.Wait()
	return nil
}

func (r *Relay) shut() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.listener.Close()
}

// add makes a session one whose statements can be cancelled, until remove.
func (r *Relay) add(s *session) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions[s] = struct{}{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.sessions, s)
	}
}

// cancel passes a CancelRequest to the server that gave its key, and returns when that
// has taken it. A key that none of the connections has is of no use anywhere.
func (r *Relay) cancel(ctx context.Context, request greeting) {
	of := r.holding(request.key())
	if of == nil {
		return
	}
	server, err := dial(ctx, again(r.cfg.Server, of))
	if err != nil {
		return // whoever cancels waits for no answer
	}
	defer cut(server)
	defer context.AfterFunc(ctx, func() { cut(server) })()
	if _, err := server.Write(request); err == nil {
		server.SetReadDeadline(time.Now().Add(r.cfg.Server.ConnectTimeout))
		io.Copy(io.Discard, server)
	}
}

// holding returns the connection to the server that gave the key.
func (r *Relay) holding(key []byte) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.sessions {
		if bytes.Equal(s.answers.cancelKey(), key) {
			return s.server
		}
	}
	return nil
}

// explain says why an app got no connection, if that is worth a line.
func (r *Relay) explain(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		r.cfg.Logger.Warn("relay: a connection was closed", "why", err)
	}
}

// unreached says once that the server is away.
func (r *Relay) unreached(why string) {
	if !r.away.Swap(true) {
		r.cfg.Logger.Warn("relay: the server cannot be reached; the app is told so until it can", "why", why)
	}
}

func (r *Relay) reached() {
	if r.away.Load() && r.away.Swap(false) {
		r.cfg.Logger.Info("relay: the server can be reached again")
	}
}
