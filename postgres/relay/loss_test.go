package relay

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
	"homing/postgres/pgtest"
)

// TestAReadThatReplicationCancels is told, also where it is a transaction that is idle
// on its own.
func TestAReadThatReplicationCancels(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{Replicas: 1, PgBouncer: true, Settings: map[string]string{"max_standby_streaming_delay": "0"}})
	onPrimary := func(sql ...string) {
		t.Helper()
		if err := c.Primary().Exec(t.Context(), sql...); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitCaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	onPrimary("set role app", "create table doomed as select generate_series(1, 100) as n")
	for name, of := range map[string]string{"directly": c.Replicas()[0].DirectURL(), "through PgBouncer": c.Replicas()[0].URL()} {
		t.Run(name, func(t *testing.T) {
			r := start(t, of, Config{Role: always(machine.Replica)})
			conn := connect(t, r.url(t, of))
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "select from doomed"); err != nil {
				t.Fatal(err)
			}
			onPrimary("drop table doomed", "set role app", "create table doomed as select generate_series(1, 100) as n")
			if _, err := tx.Exec(t.Context(), "select 1"); err == nil {
				t.Error("the transaction goes on")
			}
			events := r.wantMarks(t, "conflict")
			if of == c.Replicas()[0].DirectURL() && events[0].Code != "40001" { // PgBouncer has words of its own
				t.Errorf("the first event is of %q", events[0].Code)
			}
		})
	}
}

// TestAServerThatGoesAway in the middle of a statement, or between two.
func TestAServerThatGoesAway(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, pgtest.Config{}).Primary()
	for _, tt := range []struct {
		name         string
		mode         pgtest.Mode
		role         machine.Role
		during, idle string
	}{
		{"a replica that is stopped", pgtest.Fast, machine.Replica, "conflict", "conflict"},
		{"a replica that is killed", pgtest.Kill, machine.Replica, "conflict", "conflict"},
		{"a primary that is killed", pgtest.Kill, machine.Primary, "lost", "conflict"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			role := tt.role
			r := start(t, s.DirectURL(), Config{Role: func() machine.Role { return role }})
			address := r.url(t, s.DirectURL())
			busy, unused, admin := connect(t, address), connect(t, address), connect(t, s.AdminURL())
			done := make(chan error, 1)
			go func() { done <- run("select pg_sleep(60)", pgx.QueryExecModeSimpleProtocol)(t.Context(), busy) }()
			eventually(t, "the statement runs", func() (yes bool) {
				err := admin.QueryRow(t.Context(), "select exists (select from pg_stat_activity where query ~ '^select pg_sleep' and state = 'active')").Scan(&yes)
				return err == nil && yes
			})
			if err := s.Stop(t.Context(), tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err == nil {
				t.Error("the statement ended well")
			}
			r.wantMarks(t, tt.during)

			role = machine.None // as a look finds it now
			run("select 1", pgx.QueryExecModeSimpleProtocol)(t.Context(), unused)
			var late []Event
			eventually(t, "the statement on the idle connection is told", func() bool { late = append(late, r.take()...); return len(late) > 0 })
			if got := marksOf(late); got != tt.idle {
				t.Errorf("marks %q, want %q", got, tt.idle)
			}

			_, err := pgx.Connect(t.Context(), address)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != "57P03" || !strings.Contains(pg.Message, "nobody listens there") {
				t.Errorf("a new connection: %v, want 57P03 and the reason", err)
			}
			r.wantMarks(t, "conflict")

			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			role = tt.role
			if err := run("select 1")(t.Context(), connect(t, address)); err != nil {
				t.Errorf("after the restart: %v", err)
			}
			r.wantMarks(t, "")
		})
	}
}

// TestAPrimaryWithABadMoment keeps its requests: nobody else could take them.
func TestAPrimaryWithABadMoment(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	r := start(t, "postgres://app@"+nobody.Addr().String()+"/app?sslmode=disable", Config{Role: always(machine.Primary)})
	if _, err := pgx.Connect(t.Context(), r.url(t, "postgres://app:secret@db/app")); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	r.wantMarks(t, "")
}

// TestAServerThatIsSilent does not keep the app waiting for longer than the URL says.
// It takes TCP connections and never speaks TLS.
func TestAServerThatIsSilent(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r := start(t, "postgres://app@"+silent.Addr().String()+"/app?sslmode=require&connect_timeout=1", Config{})
	_, err = pgx.Connect(t.Context(), r.url(t, "postgres://app@db/app"))
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "57P03" || !strings.Contains(pg.Message, "no answer in time (connect_timeout 1s)") {
		t.Errorf("got %v", err)
	}
	r.wantMarks(t, "conflict")
}

// TestASilentServer does not keep the relay from ending.
func TestASilentServer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r := start(t, "postgres://app@"+silent.Addr().String()+"/app?sslmode=disable", Config{})
	app, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	if _, err := app.Write(opening(version3, "user\x00app\x00\x00")); err != nil {
		t.Fatal(err)
	}
	server, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ended := make(chan struct{})
	go func() {
		r.Close()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		server.Close()
		t.Error("the relay does not end")
	}
}

// TestAWrongPassword is the server's to refuse, in its own words.
func TestAWrongPassword(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.DirectURL(), Config{})
	address := strings.Replace(r.url(t, s.DirectURL()), "postgres://app:", "postgres://app:not", 1)
	_, err := pgx.Connect(t.Context(), address)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "28P01" {
		t.Errorf("got %v", err)
	}
}

// TestAnAppThatStalls holds up nobody else, and Close ends it.
func TestAnAppThatStalls(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.DirectURL(), Config{})
	stalled := connect(t, r.url(t, s.DirectURL()))
	rows, err := stalled.Query(t.Context(), "select repeat('x', 1000) from generate_series(1, 100000)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	half, err := net.Dial("tcp", r.Addr().String()) // says nothing at all
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if err := run("select 1")(t.Context(), connect(t, r.url(t, s.DirectURL()))); err != nil {
		t.Error(err)
	}
	ended := make(chan struct{})
	go func() {
		r.Close()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the relay does not end")
	}
}

// TestAnAppThatGivesUp leaves no mark, and its server hears of it.
func TestAnAppThatGivesUp(t *testing.T) {
	t.Parallel()
	s := needShared(t).Replicas()[0]
	r := start(t, s.DirectURL(), Config{})
	conn, admin := connect(t, r.url(t, s.DirectURL())), connect(t, s.AdminURL())
	if err := run("select 1")(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	pid := conn.PgConn().PID()
	conn.PgConn().Conn().Close()
	eventually(t, "the server has ended the session", func() (gone bool) {
		err := admin.QueryRow(t.Context(), "select not exists (select from pg_stat_activity where pid = $1)", pid).Scan(&gone)
		return err == nil && gone
	})
	r.wantMarks(t, "")
	eventually(t, "the relay has ended it", func() bool {
		r.Relay.mu.Lock()
		defer r.Relay.mu.Unlock()
		return len(r.sessions) == 0
	})
}

// TestTheEndOfAContext ends Serve and its connections.
func TestTheEndOfAContext(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	server, err := pgconn.ParseConfig(s.DirectURL())
	if err != nil {
		t.Fatal(err)
	}
	r, err := Listen(Config{Server: server, Tell: func(Event) {}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx) }()
	conn := connect(t, standing{Relay: r}.url(t, s.DirectURL()))
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := run("select 1")(t.Context(), conn); err == nil {
		t.Error("the connection is still there")
	}
}

// TestAnIdleConnectionThatEnds is looked into before the app can find it ended: it would
// answer requests with errors that are nobody's then.
func TestAnIdleConnectionThatEnds(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, pgtest.Config{}).Primary()
	for name, mode := range map[string]pgtest.Mode{"with a word": pgtest.Fast, "without": pgtest.Kill} {
		t.Run(name, func(t *testing.T) {
			var looked atomic.Bool
			var role atomic.Uint32
			role.Store(uint32(machine.Primary))
			r := start(t, s.DirectURL(), Config{
				Role: func() machine.Role { return machine.Role(role.Load()) },
				Look: func(context.Context) { looked.Store(true); role.Store(uint32(machine.None)) },
			})
			conn := connect(t, r.url(t, s.DirectURL()))
			if err := s.Stop(t.Context(), mode); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.PgConn().Conn().Read(make([]byte, 1)); !looked.Load() {
				t.Errorf("the app has heard of it (%v) before anybody looked", err)
			}
			looked.Store(false)
			run("select 1", pgx.QueryExecModeSimpleProtocol)(t.Context(), conn)
			eventually(t, "the statement is told", func() bool { return marksOf(r.take()) == "conflict" })
			if looked.Load() {
				t.Error("it was looked at twice")
			}
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
