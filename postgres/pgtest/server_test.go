package pgtest_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/postgres/pgtest"
)

func TestAServerStopsAndStarts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := pgtest.Start(t, pgtest.Config{Replicas: 1})
	s := c.Primary()
	for i, mode := range []pgtest.Mode{pgtest.Fast, pgtest.Immediate, pgtest.Kill} {
		write(t, c, fmt.Sprint(mode))
		if err := s.Start(ctx); err == nil {
			t.Error("a server was started that runs")
		}
		must(t, s.Stop(ctx, mode))
		must(t, s.Stop(ctx, mode)) // stopped already
		if s.Running() {
			t.Errorf("mode %d: it runs on", mode)
		}
		if _, err := pgx.Connect(ctx, s.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("mode %d: connecting to a stopped server: %v", mode, err)
		}
		must(t, s.Start(ctx))
		if n := count(t, s); n != i+1 {
			t.Errorf("mode %d: %d rows, want %d", mode, n, i+1)
		}
	}
	must(t, c.WaitCaughtUp(ctx)) // the replica came back by itself
	if err := s.Stop(ctx, 0); err == nil {
		t.Error("stopped in no mode")
	}
	must(t, c.Close())
	if err := s.Start(ctx); err == nil || !strings.Contains(err.Error(), "is closed") {
		t.Errorf("starting a server of a closed cluster: %v", err)
	}
}

func TestPgBouncer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := pgtest.Start(t, pgtest.Config{Replicas: 1, PgBouncer: true})
	for _, s := range append(c.Replicas(), c.Primary()) {
		if s.URL() == s.DirectURL() {
			t.Errorf("PgBouncer does not stand before %s", s.Name())
		}
	}
	t.Run("gives transactions any connection", func(t *testing.T) {
		one, two := connect(t, c.Primary().URL()), connect(t, c.Primary().URL())
		var a, b int
		must(t, one.QueryRow(ctx, "select pg_backend_pid()").Scan(&a))
		must(t, two.QueryRow(ctx, "select pg_backend_pid()").Scan(&b))
		if a != b {
			t.Errorf("two clients, one after the other, had the connections %d and %d", a, b)
		}
	})
	t.Run("serves a pool and other databases", func(t *testing.T) {
		db := c.NewDatabase(t)
		pool, err := pgxpool.New(ctx, db.URL(c.Replicas()[0]))
		must(t, err)
		defer pool.Close()
		for i := range 3 {
			var got int
			must(t, pool.QueryRow(ctx, "select $1::int", i).Scan(&got))
			if got != i {
				t.Errorf("got %d, want %d", got, i)
			}
		}
	})
	t.Run("refuses a wrong password", func(t *testing.T) {
		cfg, err := pgx.ParseConfig(c.Primary().URL())
		must(t, err)
		cfg.Password = "guessed"
		_, err = pgx.ConnectConfig(ctx, cfg)
		if code(err) == "" {
			t.Errorf("connecting with a wrong password: %v", err)
		}
		t.Log(err)
	})
	t.Run("finds a server again", func(t *testing.T) {
		must(t, c.Primary().Stop(ctx, pgtest.Immediate))
		must(t, c.Primary().Start(ctx))
		eventually(t, "a query through PgBouncer is answered", func() bool {
			conn, err := pgx.Connect(ctx, c.Primary().URL())
			if err != nil {
				return false
			}
			defer conn.Close(ctx)
			return conn.Ping(ctx) == nil
		})
	})
}
