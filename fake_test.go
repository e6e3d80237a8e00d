package homing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"homing/machine"
	"homing/position"
	"homing/replay"
	"homing/trail"
)

// fakeDB is a database whose positions are numbers.
type fakeDB struct {
	*position.Tracker

	mu    sync.Mutex
	state position.State
	fail  error                 // what Position returns
	onAsk func(context.Context) // called by Position
}

func covers(have, want position.Position) bool {
	h, _ := strconv.Atoi(string(have))
	w, err := strconv.Atoi(string(want))
	return err == nil && h >= w
}

func newDB(role machine.Role, at position.Position) *fakeDB {
	db := &fakeDB{
		Tracker: position.NewTracker(covers),
		state:   position.State{Engine: "fake", Role: role, Epoch: "e1"},
	}
	db.Advance(at)
	return db
}

func (db *fakeDB) State() position.State {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.state
}

func (db *fakeDB) set(change func(*fakeDB)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	change(db)
}

func (db *fakeDB) Position(ctx context.Context) (position.Position, error) {
	db.mu.Lock()
	fail, onAsk := db.fail, db.onAsk
	db.mu.Unlock()
	if onAsk != nil {
		onAsk(ctx)
	}
	if fail != nil {
		return "", fail
	}
	return db.Reached(), nil
}

func (db *fakeDB) Wait(ctx context.Context, p position.Position) error {
	if _, err := strconv.Atoi(string(p)); err != nil {
		return errors.New("not a position")
	}
	return db.Tracker.Wait(ctx, p)
}

// commit is a write of the request that ctx belongs to.
func (db *fakeDB) commit(ctx context.Context) {
	db.mu.Lock()
	defer db.mu.Unlock()
	n, _ := strconv.Atoi(string(db.Reached()))
	db.Advance(position.Position(strconv.Itoa(n + 1)))
	trail.Leave(ctx, trail.Wrote)
}

// in returns the settings of a machine in a region, with the primary in "ams".
func in(env ...string) Env {
	vars := map[string]string{"PRIMARY_REGION": "ams"}
	for i := 0; i < len(env); i += 2 {
		vars[env[i]] = env[i+1]
	}
	e, err := FromLookup(func(name string) string { return vars[name] })
	if err != nil {
		panic(err)
	}
	return e
}

func replicaIn(env ...string) Env {
	return in(append([]string{"FLY_REGION", "ord", "HOMING_EDGE", "1"}, env...)...)
}
func primaryIn(env ...string) Env {
	return in(append([]string{"FLY_REGION", "ams", "HOMING_EDGE", "1"}, env...)...)
}

func newSite(t testing.TB, cfg Config) *Site {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.way != nil {
		t.Cleanup(s.way.Close) // which it does by itself, seconds later
	}
	return s
}

// logTo returns a logger and what it wrote.
func logTo() (*slog.Logger, *logged) {
	l := &logged{}
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})), l
}

type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) count(text string) int { return strings.Count(l.String(), text) }

// request is one that an edge has delivered. head is "Name", "value", …
func request(method, path string, head ...string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set(replay.RegionHeader, "ord")
	for i := 0; i < len(head); i += 2 {
		r.Header.Add(head[i], head[i+1])
	}
	return r
}

func token(p string) string {
	return sealedBy(position.Keys{}, position.Token{Engine: "fake", Epoch: "e1", Position: position.Position(p)})
}

func sealedBy(keys position.Keys, t position.Token) string {
	s, err := keys.Seal(t)
	if err != nil {
		panic(err)
	}
	return s
}

func cookie(name, value string) string { return replay.PositionCookiePrefix + name + "=" + value }

func do(h http.Handler, r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func body(t testing.TB, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sentHome returns why an answer asks for a replay; "" if it does not.
func sentHome(res *http.Response) string {
	_, state, _ := strings.Cut(res.Header.Get(replay.Header), "state=")
	return state
}

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }

// serve starts a real server in front of which an edge would stand.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(replay.RegionHeader, "ord")
		h.ServeHTTP(w, r)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	t.Cleanup(srv.Close)
	return srv
}
