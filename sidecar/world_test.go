package sidecar_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"homing"
	"homing/edge/misbehave"
	"homing/machine"
	"homing/position"
	"homing/sidecar"
	"homing/trail"
)

const secret = "0123456789abcdef"

// serving is a server with a handler, quiet about what goes wrong on purpose.
func serving(t testing.TB, h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// newApp leads to addr.
func newApp(t testing.TB, addr string, change ...func(*sidecar.AppConfig)) *sidecar.App {
	t.Helper()
	cfg := sidecar.AppConfig{Addr: addr, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	app, err := sidecar.NewApp(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	return app
}

// beside is a sidecar that passes everything on to an app of net/http.
func beside(t testing.TB, h http.HandlerFunc, change ...func(*sidecar.AppConfig)) *httptest.Server {
	return serving(t, newApp(t, serving(t, h).Listener.Addr().String(), change...))
}

// newSite is the site of a machine in region here, with the primary in ord, behind an
// edge of ours.
func newSite(t testing.TB, here string, db homing.Database, change ...func(*homing.Config)) *homing.Site {
	t.Helper()
	vars := map[string]string{"FLY_REGION": here, "PRIMARY_REGION": "ord", "HOMING_EDGE": "1", "HOMING_SECRET": secret}
	env, err := homing.FromLookup(func(name string) string { return vars[name] })
	if err != nil {
		t.Fatal(err)
	}
	cfg := homing.Config{Env: env, Database: db, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	site, err := homing.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// fakeDB is a database whose positions are numbers.
type fakeDB struct {
	*position.Tracker
	role machine.Role
}

func newDB(role machine.Role, at position.Position) *fakeDB {
	db := &fakeDB{position.NewTracker(func(have, want position.Position) bool {
		h, _ := strconv.Atoi(string(have))
		w, err := strconv.Atoi(string(want))
		return err == nil && h >= w
	}), role}
	db.Advance(at)
	return db
}

func (db *fakeDB) State() position.State {
	return position.State{Engine: "fake", Role: db.role, Epoch: "e1"}
}

func (db *fakeDB) Position(context.Context) (position.Position, error) { return db.Reached(), nil }

func (db *fakeDB) Wait(ctx context.Context, p position.Position) error {
	if _, err := strconv.Atoi(string(p)); err != nil {
		return errors.New("not a position")
	}
	return db.Tracker.Wait(ctx, p)
}

// saw is a witness that tests tell what happens.
type saw struct {
	mu    sync.Mutex
	times map[trail.Mark]time.Time
}

func (s *saw) happens(m trail.Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times == nil {
		s.times = map[trail.Mark]time.Time{}
	}
	s.times[m] = time.Now()
}

func (s *saw) Since(t time.Time) (m trail.Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for mark, at := range s.times {
		if !at.Before(t) {
			m |= mark
		}
	}
	return m
}

// answer is what a client got.
type answer struct {
	*http.Response
	text string
}

func ask(t testing.TB, srv *httptest.Server, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Fly-Region", "gru") // an edge is in front
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Add(header[i], header[i+1])
		}
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

// home is the reason for which an answer sends its request home; empty: it does not.
func (a answer) home() string {
	_, reason, _ := strings.Cut(a.Header.Get("Fly-Replay"), "state=")
	return reason
}

func leavesNothing(t testing.TB) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt) // what this starts, once, stays
	signal.Stop(signals)
	misbehave.LeavesNothing(t)
}

// logTo returns a logger and what it writes.
func logTo() (*slog.Logger, *lockedBuffer) {
	b := new(lockedBuffer)
	return slog.New(slog.NewTextHandler(b, nil)), b
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
