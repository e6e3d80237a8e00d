package relay

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
)

const insert = "insert into notes (text) values ('x')"

// do is one thing that an app does.
type do = func(context.Context, *pgx.Conn) error

func run(sql string, args ...any) do {
	return func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	}
}

func inTx(opts pgx.TxOptions, statements ...string) do {
	return func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, opts, func(tx pgx.Tx) error {
			for _, sql := range statements {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func batch(statements ...string) do {
	return func(ctx context.Context, conn *pgx.Conn) error {
		b := new(pgx.Batch)
		for _, sql := range statements {
			b.Queue(sql)
		}
		return conn.SendBatch(ctx, b).Close()
	}
}

func rolledBack(ctx context.Context, conn *pgx.Conn) error {
	errBack := errors.New("back")
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insert)
		return errors.Join(err, errBack)
	})
	if errors.Is(err, errBack) && !isRefusal(err) {
		return nil
	}
	return err
}

func isRefusal(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "25006"
}

func copyIn(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"notes"}, []string{"text"}, pgx.CopyFromRows([][]any{{"a"}, {"b"}}))
	return err
}

func copyOut(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.PgConn().CopyTo(ctx, discard{}, "copy (select * from notes) to stdout")
	return err
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// prepared uses a statement twice that was prepared once.
func prepared(sql string) do {
	return func(ctx context.Context, conn *pgx.Conn) error {
		st, err := conn.Prepare(ctx, "again: "+sql[:4], sql)
		if err != nil {
			return err
		}
		for range 2 {
			if _, err := conn.Exec(ctx, st.Name); err != nil {
				return err
			}
		}
		return nil
	}
}

// writes are what a replica refuses, and the mark of what a primary does.
var writes = []struct {
	name      string
	do        do
	onPrimary string
	direct    bool // PgBouncer cannot
}{
	{"INSERT", run(insert), "wrote", false},
	{"INSERT with arguments", run("insert into notes (text) values ($1)", "x"), "wrote", false},
	{"INSERT RETURNING", run(insert + " returning id"), "wrote", false},
	{"INSERT that was prepared", prepared(insert), "wrote", true},
	{"UPDATE of no rows", run("update notes set text = 'y' where id = -1"), "", false},
	{"batch, first", batch(insert, "select 1"), "wrote", false},
	{"batch, last", batch("select 1", "select 2", insert), "wrote", false},
	{"several in one query", run(insert+"; select 1", pgx.QueryExecModeSimpleProtocol), "wrote", false},
	{"COPY FROM", copyIn, "wrote", false},
	{"transaction", inTx(pgx.TxOptions{}, "select 1", insert), "wrote", false},
	{"transaction that is rolled back", rolledBack, "wrote", false},
	{"read-write transaction", inTx(pgx.TxOptions{AccessMode: pgx.ReadWrite}, "select 1"), "", false},
	{"serializable transaction", inTx(pgx.TxOptions{IsoLevel: pgx.Serializable}, "select 1"), "", false},
	{"lock of rows", run("select id from notes for update"), "", false},
	{"lock of a table", inTx(pgx.TxOptions{}, "lock table notes"), "", false},
	{"function that writes", run("select add_note($1)", "x"), "", false}, // not seen
	{"WITH that writes", run("with n as (" + insert + " returning id) select id from n"), "wrote", false},
	{"WITH that writes, prepared", prepared("with n as (" + insert + " returning id) select id from n"), "wrote", true},
	{"DO block", run("do $$ begin " + insert + "; end $$"), "wrote", false},
	{"DDL", inTx(pgx.TxOptions{}, "create table more (x int)", "drop table more"), "wrote", false},
	{"NOTIFY", run("notify news"), "", false},
}

// reads are what any server does, and what none could.
var reads = []struct {
	name string
	do   do
}{
	{"nothing", run("-- nothing")},
	{"SELECT", run("select text from notes where id = $1", 1)},
	{"WITH", run("with n as (select 1) select * from n")},
	{"SHOW", run("show work_mem")},
	{"batch", batch("select 1", "select 2")},
	{"COPY TO", copyOut},
	{"read-only transaction", inTx(pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, "select 1", "declare c cursor for select 1", "fetch all from c")},
	{"nonsense", run("select nonsense")},
	{"nonsense in a batch", batch("select 1", "select nonsense")},
	{"division by zero", run("select 1 / $1::int", 0)},
}

// eachPath runs f with a connection through a relay for each way to a server.
func eachPath(t *testing.T, role machine.Role, f func(t *testing.T, conn *pgx.Conn, told *told, bouncer bool)) {
	c := needShared(t)
	server := c.Primary()
	if role == machine.Replica {
		server = c.Replicas()[0]
	}
	for _, path := range []struct {
		name, mode string
		bouncer    bool
	}{
		{"directly", "cache_statement", false}, {"directly, unnamed statements", "exec", false},
		{"directly, simple protocol", "simple_protocol", false}, {"through PgBouncer", "exec", true},
	} {
		t.Run(path.name, func(t *testing.T) {
			t.Parallel()
			of, cfg := server.DirectURL(), Config{}
			if path.bouncer {
				of, cfg.Role = server.URL(), always(role)
			}
			r := start(t, of, cfg)
			conn := connect(t, r.url(t, server.DirectURL())+"&default_query_exec_mode="+path.mode)
			r.wantMarks(t, "")
			f(t, conn, r.told, path.bouncer)
		})
	}
}

func TestAReplicasRefusalsAreTold(t *testing.T) {
	t.Parallel()
	eachPath(t, machine.Replica, func(t *testing.T, conn *pgx.Conn, told *told, bouncer bool) {
		for _, tt := range writes {
			if tt.direct && bouncer {
				continue
			}
			before := time.Now()
			if err := tt.do(t.Context(), conn); err == nil {
				t.Errorf("%s: no error", tt.name)
			}
			events := told.take()
			if got := marksOf(events); got != "refused" {
				t.Errorf("%s: marks %q, want refused", tt.name, got)
			}
			for _, e := range events {
				if e.Began.Before(before) || e.Ended.Before(e.Began) || e.Ended.After(time.Now()) || e.Code == "" {
					t.Errorf("%s: told %+v of what was sent after %v", tt.name, e, before)
				}
			}
		}
	})
}

func TestWhatAPrimaryWroteIsTold(t *testing.T) {
	t.Parallel()
	eachPath(t, machine.Primary, func(t *testing.T, conn *pgx.Conn, told *told, bouncer bool) {
		for _, tt := range writes {
			if tt.direct && bouncer {
				continue
			}
			if err := tt.do(t.Context(), conn); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if got := marksOf(told.take()); got != tt.onPrimary {
				t.Errorf("%s: marks %q, want %q", tt.name, got, tt.onPrimary)
			}
		}
	})
}

func TestReadsLeaveNoMark(t *testing.T) {
	t.Parallel()
	for _, role := range []machine.Role{machine.Primary, machine.Replica} {
		t.Run(role.String(), func(t *testing.T) {
			eachPath(t, role, func(t *testing.T, conn *pgx.Conn, told *told, _ bool) {
				for _, tt := range reads {
					tt.do(t.Context(), conn)
					if got := marksOf(told.take()); got != "" {
						t.Errorf("%s: marks %q, want none", tt.name, got)
					}
				}
			})
		})
	}
}

// TestWhoRefusedIsAsked: a primary that is set to read-only refuses writes, too.
func TestWhoRefusedIsAsked(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	for _, tt := range []struct {
		name          string
		before, after machine.Role // of a look
		want          string
	}{
		{"a primary", machine.Primary, machine.Primary, ""},
		{"one that was the primary", machine.Primary, machine.Replica, "refused"},
		{"one of which nothing was known", machine.None, machine.Primary, ""},
		{"a replica, which nobody has to ask", machine.Replica, machine.Primary, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			role := tt.before
			r := start(t, s.DirectURL(), Config{
				Role: func() machine.Role { return role },
				Look: func(context.Context) { role = tt.after },
			})
			conn := connect(t, r.url(t, s.DirectURL()))
			if err := inTx(pgx.TxOptions{AccessMode: pgx.ReadOnly}, insert)(t.Context(), conn); !isRefusal(err) {
				t.Errorf("got %v, want a refusal", err)
			}
			r.wantMarks(t, tt.want)
		})
	}
}

// TestPsqlIsServed: another implementation of the protocol than pgx's.
func TestPsqlIsServed(t *testing.T) {
	t.Parallel()
	c := needShared(t)
	for name, of := range map[string]string{"directly": c.Replicas()[0].DirectURL(), "through PgBouncer": c.Replicas()[0].URL()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, of, Config{Role: always(machine.Replica)})
			address := r.url(t, of)
			if out, err := psql(t.Context(), address, nil, "select text from notes where id = 1", "copy (select 7) to stdout"); err != nil || out != "one\n7" {
				t.Errorf("read %q, %v", out, err)
			}
			r.wantMarks(t, "")
			if out, err := psql(t.Context(), address, nil, insert); err == nil || !strings.Contains(out, "read-only") {
				t.Errorf("wrote: %q, %v", out, err)
			}
			r.wantMarks(t, "refused")
			if out, err := psql(t.Context(), address, strings.NewReader("a\n"), "copy notes (text) from stdin"); err == nil {
				t.Errorf("copied: %q", out)
			}
			r.wantMarks(t, "refused")
		})
	}
}
