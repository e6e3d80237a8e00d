package postgres

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"homing/machine"
	"homing/postgres/pgtest"
	"homing/trail"
)

// marksCluster is shared by the tests of marks that leave its servers as they are.
var marksCluster = sync.OnceValues(func() (*pgtest.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgtest.New(ctx, pgtest.Config{Replicas: 1, PgBouncer: true})
	if err != nil {
		return nil, err
	}
	err = c.Primary().Exec(ctx, "set role app",
		"create table notes (id bigserial primary key, text text unique)",
		"insert into notes (text) values ('one'), ('two')",
		"create function add_note(word text) returns void language sql as $$ insert into notes (text) values (word) $$",
		"create table log (line text)",
	)
	return c, errors.Join(err, c.WaitCaughtUp(ctx))
})

func needMarksCluster(t testing.TB) *pgtest.Cluster {
	t.Helper()
	c, err := marksCluster()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// always is a marker for a server whose role does not change.
func always(role machine.Role) *marker {
	return &marker{
		role:       func() machine.Role { return role },
		inRecovery: func(context.Context) (bool, error) { return role == machine.Replica, nil },
		logger:     quiet,
	}
}

// openPool opens a pool whose tracer tells m, for the length of the test.
func openPool(t testing.TB, address string, m *marker) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer = chain(cfg.ConnConfig.Tracer, newTracer(m))
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func openFromPool(t testing.TB, address string, m *marker) *sql.DB {
	t.Helper()
	return closing(t, stdlib.OpenDBFromPool(openPool(t, address, m)))
}

// openPQ opens lib/pq wrapped. With binary_parameters it needs no statement to
// outlive a transaction, which PgBouncer would not allow.
func openPQ(t testing.TB, address string) *sql.DB {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"sslmode": {"disable"}, "binary_parameters": {"yes"}}.Encode()
	c, err := pq.NewConnector(u.String())
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, sql.OpenDB(Wrap(c)))
}

// openStdlib opens pgx's own driver wrapped, without our tracer.
func openStdlib(t testing.TB, address string) *sql.DB {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, sql.OpenDB(Wrap(stdlib.GetConnector(*cfg.ConnConfig))))
}

func closing(t testing.TB, db *sql.DB) *sql.DB {
	t.Cleanup(func() { db.Close() })
	return db
}

// marksOf names the marks on a trail.
func marksOf(tr *trail.Trail) (names string) {
	for _, m := range []struct {
		mark trail.Mark
		name string
	}{{trail.Wrote, "wrote "}, {trail.Refused, "refused "}, {trail.Conflict, "conflict "}, {trail.Lost, "lost "}} {
		if tr.Has(m.mark) {
			names += m.name
		}
	}
	return names
}

// wantMarks fails unless the trail has these marks and no other.
func wantMarks(t testing.TB, tr *trail.Trail, want string) {
	t.Helper()
	if got := marksOf(tr); got != want {
		t.Errorf("marks: %q, want %q", got, want)
	}
}
