package dev_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"homing"
	"homing/dev"
	"homing/postgres"
	"homing/region"
	"homing/supervise"
)

// beTheApp is set for a process of this test that is to be an app which says what its
// database is.
const beTheApp = "BE_THE_APP"

func TestMain(m *testing.M) {
	if os.Getenv(beTheApp) == "" {
		os.Exit(m.Run())
	}
	if err := theApp(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// theApp tells who answers.
func theApp() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	env, err := homing.FromEnv()
	if err != nil {
		return err
	}
	cfg, err := postgres.ParseConfig(env.Env)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	site, err := homing.New(homing.Config{Env: env, Database: db})
	if err != nil {
		return err
	}
	srv := &http.Server{Addr: env.Addr(), Handler: site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(answer{Region: env.Region, PID: os.Getpid(), Method: r.Method}) //nolint:errcheck // then its client has gone
	}))}
	context.AfterFunc(ctx, func() { srv.Close() })
	srv.ListenAndServe() //nolint:errcheck // it ends when it is told to
	return nil
}

// TestThePrimaryMovesBetweenProcesses: those that say what their database is go on, but
// for those that had the primary. They would have it still, from afar: their DATABASE_URL
// leads to wherever it is.
func TestThePrimaryMovesBetweenProcesses(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	turn(t, err)
	w := startProcesses(t, func(c *dev.Config) {
		c.Regions, c.Engine = []region.Code{"ord", "gru"}, dev.Postgres
		c.Distances = func(a, b region.Code) time.Duration { return apart(a, b, 20*time.Millisecond) }
		c.Process = func(m dev.Machine) (supervise.Config, error) {
			env := append(os.Environ(), beTheApp+"=1", "GORACE=atexit_sleep_ms=0")
			return supervise.Config{Args: []string{self}, Env: append(env, m.Environ...)}, nil
		}
	})
	from := region.Code("ord")
	for _, to := range []region.Code{"gru", "ord"} { // and back
		old, next := answerOf(t, w, from), answerOf(t, w, to)
		turn(t, w.Promote(t.Context(), to))
		for _, r := range []region.Code{"ord", "gru"} {
			if got := newVisitor(t, w, r).ask("POST", "/"); got.PID != next.PID {
				t.Errorf("a write in %s was answered by %+v; want process %d in %s", r, got, next.PID, to)
			}
		}
		if now := answerOf(t, w, from); now.PID == old.PID {
			t.Errorf("in %s process %d is still there", from, old.PID)
		}
		for _, s := range w.Statuses() {
			if s.Primary != (s.Region == to) || s.Problem != "" {
				t.Errorf("%+v; want the primary in %s", s, to)
			}
		}
		from = to
	}
}

// answerOf is that of a region's own process to somebody new, as soon as it knows its
// database.
func answerOf(t *testing.T, w *dev.World, r region.Code) answer {
	t.Helper()
	for patience := time.After(20 * time.Second); ; {
		got := newVisitor(t, w, r).ask("GET", "/")
		if got.Region == r {
			return got
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-patience:
			t.Fatalf("%+v answers in %s", got, r)
		}
	}
}
