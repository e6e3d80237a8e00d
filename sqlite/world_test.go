package sqlite

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/machine"
	"homing/position"
	"homing/trail/sqltrail"
)

// world is a primary, its feed on a real port, and a replica, both in files.
type world struct {
	t       testing.TB
	dir     string
	primary *DB
	feed    *httptest.Server
	handler *swap
	gate    *gate
	replica *DB
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), gate: newGate(), handler: new(swap)}
	t.Cleanup(w.close)
	w.feed = httptest.NewServer(w.handler)
	w.startPrimary()
	w.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
	w.startReplica()
	w.sync()
	return w
}

func (w *world) close() {
	w.gate.release()
	if w.replica != nil {
		w.replica.Close()
	}
	if w.primary != nil {
		w.primary.Close()
	}
	if w.feed != nil {
		w.feed.Close()
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name+".db") }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (w *world) startPrimary() {
	w.t.Helper()
	w.primary = open(w.t, Config{Path: w.path("primary"), Role: machine.Primary, Logger: quiet()})
	w.handler.set(w.primary.Feed())
}

// stopPrimary cuts the followers off and closes the primary, as a restart does.
func (w *world) stopPrimary() {
	w.t.Helper()
	w.handler.set(nil)
	if err := w.primary.Close(); err != nil {
		w.t.Fatalf("closing the primary: %v", err)
	}
}

func (w *world) replicaConfig() Config {
	return Config{Path: w.path("replica"), Role: machine.Replica, Feed: w.feed.URL, Dial: w.gate.dial, Logger: quiet()}
}

func (w *world) startReplica() {
	w.t.Helper()
	w.replica = open(w.t, w.replicaConfig())
}

func (w *world) stopReplica() {
	w.t.Helper()
	if err := w.replica.Close(); err != nil {
		w.t.Fatalf("closing the replica: %v", err)
	}
}

func open(t testing.TB, cfg Config) *DB {
	t.Helper()
	db, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// exec changes the primary.
func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.primary.SQL().ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

// sync waits until the replica has all that the primary has.
func (w *world) sync() position.Position {
	w.t.Helper()
	ctx := soon(w.t)
	p, err := w.primary.Position(ctx)
	if err != nil {
		w.t.Fatalf("Position: %v", err)
	}
	if err := w.replica.Wait(ctx, p); err != nil {
		w.t.Fatalf("Wait(%s): %v; status %+v", p, err, w.replica.Status())
	}
	return p
}

// number asks the replica for one number.
func number(t testing.TB, db *DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.SQL().QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls for what nothing reports.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// swap is a handler that can be taken away, as when its server restarts.
type swap struct {
	mu sync.Mutex
	h  http.Handler
}

func (s *swap) set(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h = h
}

func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.h
	s.mu.Unlock()
	if h == nil {
		http.Error(w, "restarting", http.StatusServiceUnavailable)
		return
	}
	h.ServeHTTP(w, r)
}

// gate opens connections whose reads wait while it is held.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed: bytes pass
	live map[*gated]struct{}
}

func newGate() *gate {
	g := &gate{open: make(chan struct{}), live: map[*gated]struct{}{}}
	close(g.open)
	return g
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// cut breaks every connection.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.live {
		c.Conn.Close()
	}
}

func (g *gate) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w := &gated{Conn: c, g: g, closed: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live[w] = struct{}{}
	return w, nil
}

type gated struct {
	net.Conn
	g      *gate
	once   sync.Once
	closed chan struct{}
}

// Read reads first and then waits, so that what was under way is held too.
func (c *gated) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.g.mu.Lock()
	open := c.g.open
	c.g.mu.Unlock()
	select {
	case <-open:
		return n, err
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *gated) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.g.mu.Lock()
	delete(c.g.live, c)
	c.g.mu.Unlock()
	return c.Conn.Close()
}

// insert commits one row on the primary.
func (w *world) insert(text string) {
	w.t.Helper()
	w.exec("INSERT INTO notes (text) VALUES (?)", text)
}

// noHooks opens a database as any other program would.
var noHooks sqltrail.Hooks

func fileSize(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// leftovers lists the files of a database.
func leftovers(t testing.TB, dir, prefix string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names
}
