package postgres_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/position"
	"homing/position/positiontest"
	"homing/postgres"
	"homing/postgres/pgtest"
)

// open opens the database of a server, and waits until it has a role.
func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	return openWith(t, url, "")
}

// openWith is open with a heartbeat's table; "" is none.
func openWith(t testing.TB, url, heartbeat string) *postgres.DB {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return openPool(t, cfg, heartbeat)
}

func openPool(t testing.TB, cfg *pgxpool.Config, heartbeat string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), &postgres.Config{Pool: cfg, Heartbeat: heartbeat, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	eventually(t, "the database has a role", func() bool { return db.State().Role != machine.None })
	return db
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 15 s: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// eachWay runs a test with PgBouncer and without.
func eachWay(t *testing.T, run func(t *testing.T, cfg pgtest.Config)) {
	for name, bouncer := range map[string]bool{"direct": false, "through PgBouncer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, pgtest.Config{Replicas: 1, PgBouncer: bouncer})
		})
	}
}

func TestPositions(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		positiontest.Run(t, func(t *testing.T) positiontest.Cluster {
			c := pgtest.Start(t, cfg)
			if err := c.Primary().Exec(t.Context(), "create table rows (id serial)", "grant all on rows, rows_id_seq to app"); err != nil {
				t.Fatal(err)
			}
			primary, replica := open(t, c.Primary().URL()), open(t, c.Replicas()[0].URL())
			return positiontest.Cluster{
				Primary: primary, Replica: replica, Waiting: replica.Waiting,
				Write: func(ctx context.Context) error {
					_, err := primary.Pool().Exec(ctx, "insert into rows default values")
					return err
				},
				Count: func(ctx context.Context) (n int, err error) {
					err = replica.Pool().QueryRow(ctx, "select count(*) from rows").Scan(&n)
					return n, err
				},
				Hold: func() {
					if err := c.Replicas()[0].HoldReplay(context.Background()); err != nil {
						t.Error(err)
					}
				},
				Release: func() {
					if err := c.Replicas()[0].ResumeReplay(context.Background()); err != nil {
						t.Error(err)
					}
				},
				Unissued:  "FFFF/0",
				Malformed: []position.Position{"x", "0", "0/", "/0", "0/0/0", "0/x", "-1/0", "0/1FFFFFFFF", "0/ab", " 0/1"},
			}
		})
	})
}

// TestWhatIsDoneBeforeConnecting is done for our own connections, too: it may be what
// finds the password.
func TestWhatIsDoneBeforeConnecting(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{})
	pool, err := pgxpool.ParseConfig(c.Primary().URL())
	must(t, err)
	password := pool.ConnConfig.Password
	pool.ConnConfig.Password = ""
	pool.BeforeConnect = func(_ context.Context, cfg *pgx.ConnConfig) error {
		cfg.Password = password
		return nil
	}
	db, err := postgres.Open(t.Context(), &postgres.Config{Pool: pool, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer db.Close()
	eventually(t, "the database has a role", func() bool { return db.State().Role == machine.Primary })
	_, err = db.Position(t.Context())
	must(t, err)
}
