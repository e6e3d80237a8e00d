package postgres

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/postgres/pgtest"
	"homing/trail"
)

// client runs one statement for a request, in one of the ways that apps have.
type client struct {
	driver  string
	bouncer bool
	run     func(ctx context.Context, sql string) error
}

func (c client) String() string {
	if c.bouncer {
		return c.driver + " through PgBouncer"
	}
	return c.driver
}

// clientsOf are all ways to a server which its clients take for a replica.
func clientsOf(t testing.TB, s *pgtest.Server) (all []client) {
	for _, bouncer := range []bool{false, true} {
		address := s.DirectURL()
		if bouncer {
			address = s.URL()
		}
		pool, fromPool, pq := openPool(t, address, always(machine.Replica)), openFromPool(t, address, always(machine.Replica)), openPQ(t, address)
		all = append(all,
			client{"pgx", bouncer, func(ctx context.Context, sql string) error { return query(sql)(ctx, pool) }},
			client{"database/sql", bouncer, func(ctx context.Context, sql string) error { return querySQL(sql)(ctx, fromPool) }},
			client{"lib/pq", bouncer, func(ctx context.Context, sql string) error { return querySQL(sql)(ctx, pq) }},
		)
	}
	return all
}

// pending is a request whose statement is on its way.
type pending struct {
	client string
	trail  *trail.Trail
	cancel context.CancelFunc
	done   <-chan error
}

func (c client) start(ctx context.Context, sql string) pending {
	ctx, tr := trail.Start(ctx)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- c.run(ctx, sql) }()
	return pending{c.String(), tr, cancel, done}
}

// start runs the statement for a request of each client and returns when the server
// is at work on all of them. The statement must be one that takes long.
func start(t testing.TB, s *pgtest.Server, clients []client, sql string) (all []pending) {
	t.Helper()
	for _, c := range clients {
		all = append(all, c.start(t.Context(), sql))
	}
	admin := connectAdmin(t, s)
	eventually(t, "all statements run", func() (yes bool) {
		err := admin.QueryRow(t.Context(), "select count(*) = $1 from pg_stat_activity where query = $2 and state = 'active'", len(clients), sql).Scan(&yes)
		return err == nil && yes
	})
	return all
}

// wantConflict waits for the mark, not for the end: database/sql may be trying again.
func (p pending) wantConflict(t testing.TB) {
	t.Helper()
	eventually(t, p.client+" has a mark", func() bool { return marksOf(p.trail) != "" })
	p.cancel()
	if err := <-p.done; err == nil {
		t.Errorf("%s: no error", p.client)
	}
	if got := marksOf(p.trail); got != "conflict " {
		t.Errorf("%s: marks %q, want conflict", p.client, got)
	}
}

func connectAdmin(t testing.TB, s *pgtest.Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// hastyCluster is one whose replica cancels reads as soon as they are in the way of
// replication.
func hastyCluster(t testing.TB) (*pgtest.Cluster, func(sql ...string)) {
	t.Helper()
	c := pgtest.Start(t, pgtest.Config{
		Replicas: 1, PgBouncer: true, Settings: map[string]string{"max_standby_streaming_delay": "0"},
	})
	return c, func(sql ...string) {
		t.Helper()
		if err := c.Primary().Exec(t.Context(), sql...); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitCaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadsCancelledByReplicationLeaveTheirMark(t *testing.T) {
	t.Parallel()
	c, onPrimary := hastyCluster(t)
	onPrimary("set role app", "create table doomed as select generate_series(1, 100) as n")
	t.Run("rows that a long read may still see are removed", func(t *testing.T) {
		reads := start(t, c.Replicas()[0], clientsOf(t, c.Replicas()[0]), "select n, pg_sleep(1) from doomed")
		onPrimary("delete from doomed where n > 50", "vacuum doomed")
		for _, read := range reads {
			read.wantConflict(t)
		}
	})
	t.Run("a transaction that only holds a lock is in the way", func(t *testing.T) {
		pool := openPool(t, c.Replicas()[0].DirectURL(), always(machine.Replica))
		ctx, tr := trail.Start(t.Context())
		err := inTx(pgx.TxOptions{}, step("select from doomed"), func(context.Context, pgx.Tx) error {
			onPrimary("drop table doomed")
			return nil
		}, stepWithoutContext("select 1"))(ctx, pool)
		if err == nil {
			t.Error("no error")
		}
		wantMarks(t, tr, "conflict ")
	})
}

// TestAServerThatGoesAwayLeavesItsMark: during a statement, before one, and however
// it goes.
func TestAServerThatGoesAwayLeavesItsMark(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, pgtest.Config{PgBouncer: true}).Primary()
	for _, mode := range []pgtest.Mode{pgtest.Fast, pgtest.Kill} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			// Through PgBouncer, lib/pq tries again by itself, and then no context
			// ends its wait for the server.
			clients := slices.DeleteFunc(clientsOf(t, s), func(c client) bool { return c.bouncer && c.driver == "lib/pq" })
			pool := openPool(t, s.DirectURL(), always(machine.Replica))
			conn, err := pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
			during := start(t, s, clients, "select pg_sleep(60)")
			if err := s.Stop(t.Context(), mode); err != nil {
				t.Fatal(err)
			}
			for _, read := range during {
				read.wantConflict(t)
			}
			for _, c := range clients {
				if !c.bouncer { // which makes it wait
					c.start(t.Context(), "select 1").wantConflict(t)
				}
			}

			ctx, tr := trail.Start(t.Context())
			b := new(pgx.Batch)
			b.Queue("select $1::int", 1)
			if err := conn.SendBatch(ctx, b).Close(); err == nil {
				t.Error("a batch on a connection that was lost: no error")
			}
			wantMarks(t, tr, "conflict ")

			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for _, c := range clients {
				ctx, tr := trail.Start(gone)
				if err := c.run(ctx, "select 1"); err == nil {
					t.Error("no error")
				}
				wantMarks(t, tr, "")
			}
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestACallerThatGivesUpLeavesNoMark, whatever it waited for.
func TestACallerThatGivesUpLeavesNoMark(t *testing.T) {
	t.Parallel()
	s := needMarksCluster(t).Replicas()[0]
	for _, read := range start(t, s, clientsOf(t, s), "select pg_sleep(59)") {
		t.Run(read.client, func(t *testing.T) {
			read.cancel()
			if err := <-read.done; err == nil {
				t.Error("no error")
			}
			wantMarks(t, read.trail, "")
		})
	}
	t.Run("for a connection", func(t *testing.T) {
		pool := openPool(t, s.DirectURL()+"&pool_max_conns=1", always(machine.Replica))
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		ctx, tr := trail.Start(t.Context())
		ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		if err := query("select 1")(ctx, pool); err == nil {
			t.Error("no error")
		}
		wantMarks(t, tr, "")
	})
}

// TestAServerThatIsSilentLeavesItsMark: it takes connections and says nothing, as one
// behind a broken network.
func TestAServerThatIsSilentLeavesItsMark(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg, err := pgxpool.ParseConfig("postgres://app@" + l.Addr().String() + "/app?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.ConnectTimeout = 20 * time.Millisecond
	cfg.ConnConfig.Tracer = newTracer(always(machine.Replica))
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, do := range map[string]func(context.Context) error{
		"of a pool": func(ctx context.Context) error { return query("select 1")(ctx, pool) },
		"alone": func(ctx context.Context) error {
			_, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, tr := trail.Start(t.Context())
			if err := do(ctx); err == nil {
				t.Error("no error")
			}
			wantMarks(t, tr, "conflict ")
		})
	}
}
