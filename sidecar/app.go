package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"homing/forward"
)

// AppConfig says where an app is, and what is known about its database.
type AppConfig struct {
	// Addr is where the app listens, a host and a port. Required. For 127.0.0.1 it may
	// be ::1, too: what "localhost" means depends on who reads it.
	Addr string
	// HTTP2 says that the app speaks HTTP/2, without TLS and from the first byte, as
	// servers of gRPC do. It cannot be asked for upgrades then.
	HTTP2 bool
	// Edge says that an edge of ours is in front. What may be sent again, and has not been
	// replayed, then gets no answer where the app gives none: the connection is closed,
	// and the edge asks another machine, as it would if the app itself stood here.
	Edge bool
	// Witness tells what the app did to its database. nil: only the app itself does.
	Witness Witness
	// BodyLimit is the largest body, in bytes, with which a request can go home after
	// the app has read it: what the edge in front keeps, or this process where it
	// forwards. Default 10 MiB, the default of both. A larger one keeps the app's answer.
	BodyLimit int64
	// Quiet is how long an answer of unknown length may be held, that it may end
	// meanwhile. Default 20 ms; negative: it is not.
	Quiet time.Duration
	// Logger is told when the app cannot be reached. nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultBodyLimit = 10 << 20
	defaultQuiet     = 20 * time.Millisecond
)

// idleTimeout is how long an unused connection is kept to an app that does not say for
// how long it keeps it (Keep-Alive: timeout=…, which counts to 5 minutes): well below
// the two seconds after which gunicorn closes its own, also those on which a request has
// just come. On one machine a new one costs next to nothing.
const idleTimeout = time.Second

// App carries requests to an app that is a process of its own. Create it with
// [NewApp]. Safe for concurrent use.
type App struct {
	cfg    AppConfig
	pool   *forward.Pool
	budget *forward.Budget

	mu   sync.Mutex
	told map[string]bool // what the log has said already
}

// NewApp returns an app's handler. It dials nothing yet, and succeeds while the app is
// not there; requests are then answered 503.
func NewApp(cfg AppConfig) (*App, error) {
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("sidecar: Addr: want a host and a port, such as 127.0.0.1:3000: %w", err)
	}
	if cfg.BodyLimit < 0 {
		return nil, errors.New("sidecar: BodyLimit must not be negative")
	}
	if cfg.BodyLimit == 0 {
		cfg.BodyLimit = defaultBodyLimit
	}
	if cfg.Quiet == 0 {
		cfg.Quiet = defaultQuiet
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	pool := forward.NewPool(forward.Config{Dial: dial, IdleTimeout: idleTimeout})
	// Bodies are not kept for the app: it is asked once.
	return &App{cfg: cfg, pool: pool, budget: forward.NewBudget(0), told: map[string]bool{}}, nil
}

// Close closes idle connections and lets no new exchange begin. Those under way go on.
func (a *App) Close() { a.pool.Close() }

// ServeHTTP carries a request to the app. Where the answer breaks off in the middle, the
// client has gone, or another machine is to be asked, it panics with
// [http.ErrAbortHandler], as net/http wants it.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := newTrip(a, w, r)
	defer t.leave()
	if p := t.run(); p != nil {
		t.fail(p)
	}
}

// maxTold bounds what tellOnce remembers: paths come from clients.
const maxTold = 256

// tellOnce logs a line, the first time for each key.
func (a *App) tellOnce(key, msg string, args ...any) {
	a.mu.Lock()
	known := a.told[key] || len(a.told) == maxTold
	if !known {
		a.told[key] = true
	}
	a.mu.Unlock()
	if !known {
		a.cfg.Logger.Warn(msg, args...)
	}
}

// dial connects to the app, on whichever loopback address it listens.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if host, port, _ := net.SplitHostPort(addr); errors.Is(err, syscall.ECONNREFUSED) && host == "127.0.0.1" {
		if conn6, err6 := d.DialContext(ctx, network, net.JoinHostPort("::1", port)); err6 == nil {
			return conn6, nil
		}
	}
	return conn, err
}
