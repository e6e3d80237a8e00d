package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

// doSQL is one thing that an app does with a *sql.DB.
type doSQL = func(ctx context.Context, db *sql.DB) error

func execSQL(text string, args ...any) doSQL {
	return func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, text, args...)
		return err
	}
}

func querySQL(text string, args ...any) doSQL {
	return func(ctx context.Context, db *sql.DB) error {
		rows, err := db.QueryContext(ctx, text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	}
}

func preparedSQL(text string, args ...any) doSQL {
	return func(ctx context.Context, db *sql.DB) error {
		st, err := db.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer st.Close()
		_, err = st.ExecContext(ctx, args...)
		return err
	}
}

func inTxSQL(opts *sql.TxOptions, steps ...func(context.Context, *sql.Tx) error) doSQL {
	return func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, opts)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for _, step := range steps {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
}

func stepSQL(text string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, text)
		return err
	}
}

func stepSQLWithoutContext(text string) func(context.Context, *sql.Tx) error {
	return func(_ context.Context, tx *sql.Tx) error {
		_, err := tx.Exec(text)
		return err
	}
}

func preparedStep(text string, args ...any) func(context.Context, *sql.Tx) error {
	return func(_ context.Context, tx *sql.Tx) error {
		st, err := tx.Prepare(text)
		if err != nil {
			return err
		}
		defer st.Close()
		_, err = st.Exec(args...)
		return err
	}
}

// sqlCase is done on a replica and on the primary. Where prepares is set, it needs
// statements that outlive a transaction, which PgBouncer 1.18 has not.
type sqlCase struct {
	name     string
	do       doSQL
	prepares bool
}

var sqlWrites = []sqlCase{
	{"Exec", execSQL(addLine), false},
	{"Exec with arguments", execSQL("insert into log values ($1)", "x"), false},
	{"Query", querySQL(addLine + " returning line"), false},
	{"Query with arguments", querySQL("insert into log values ($1) returning line", "x"), false},
	{"Query that returns nothing", querySQL(addLine), false},
	{"QueryRow", func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, addLine+" returning line").Scan(new(string))
	}, false},
	{"prepared", preparedSQL("insert into log values ($1)", "x"), true},
	{"transaction", inTxSQL(nil, stepSQL(addLine)), false},
	{"transaction, later statement", inTxSQL(nil, stepSQL("select 1"), stepSQL(addLine)), false},
	{"transaction, without a context", inTxSQL(nil, stepSQLWithoutContext(addLine)), false},
	{"transaction, prepared without a context", inTxSQL(nil, preparedStep("insert into log values ($1)", "x")), true},
	{"read-write by hand", inTxSQL(nil, stepSQL("set transaction read write"), stepSQL(addLine)), false},
	{"WITH that writes", querySQL("with l as (" + addLine + " returning line) select * from l"), false},
	{"DO block that writes", execSQL("do $$ begin " + addLine + "; end $$"), false},
	{"several statements, the last one reads", execSQL(addLine + "; select 1"), false},
	{"DDL", func(ctx context.Context, db *sql.DB) error {
		return execSQL(fmt.Sprintf("create table more%d (x int)", tables.Add(1)))(ctx, db)
	}, false},
}

// sqlRefusals are refused by a replica and change nothing on the primary.
var sqlRefusals = []sqlCase{
	{"SERIALIZABLE", inTxSQL(&sql.TxOptions{Isolation: sql.LevelSerializable}, stepSQL("select 1")), false},
	{"UPDATE of no rows", execSQL("update notes set text = 'y' where id = -1"), false},
	{"SELECT FOR UPDATE", querySQL("select id from notes for update"), false},
	{"LISTEN", execSQL("listen news"), false},
}

var sqlReads = []sqlCase{
	{"Query", querySQL("select text from notes"), false},
	{"Query with arguments", querySQL("select text from notes where id = $1", 1), false},
	{"Exec of a read", execSQL("select text from notes"), false},
	{"prepared", preparedSQL("select text from notes where id = $1", 1), true},
	{"transaction", inTxSQL(&sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, stepSQL("select 1"), stepSQLWithoutContext("select 2")), false},
	{"WITH", querySQL("with n as (select * from notes) select count(*) from n"), false},
	{"SET", execSQL("set statement_timeout = 0"), false},
	{"Ping", func(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) }, false},
}

// sqlPath is a way to a server through database/sql.
type sqlPath struct {
	db       *sql.DB
	prepares bool
}

// eachSQL runs f in parallel for each way to the replica or the primary.
func eachSQL(t *testing.T, role machine.Role, f func(t *testing.T, path sqlPath)) {
	c := needMarksCluster(t)
	server := c.Primary()
	if role == machine.Replica {
		server = c.Replicas()[0]
	}
	for name, open := range map[string]func(t testing.TB, address string) *sql.DB{
		"pgxpool":        func(t testing.TB, address string) *sql.DB { return openFromPool(t, address, always(role)) },
		"lib/pq":         openPQ,
		"pgx's, by Wrap": openStdlib,
	} {
		for _, bouncer := range []bool{false, true} {
			address, way := server.DirectURL(), "directly"
			if bouncer {
				address, way = server.URL(), "through PgBouncer"
			}
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				f(t, sqlPath{open(t, address), !bouncer})
			})
		}
	}
}

// run does the cases, which fail where they are to be refused.
func (path sqlPath) run(t *testing.T, cases []sqlCase, want string) {
	for _, tt := range cases {
		if tt.prepares && !path.prepares {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			ctx, tr := trail.Start(t.Context())
			if err := tt.do(ctx, path.db); (err != nil) != (want == "refused ") {
				t.Error(err)
			}
			wantMarks(t, tr, want)
		})
	}
}

func TestMarksOnAReplicaThroughDatabaseSQL(t *testing.T) {
	eachSQL(t, machine.Replica, func(t *testing.T, path sqlPath) {
		path.run(t, sqlWrites, "refused ")
		path.run(t, sqlRefusals, "refused ")
		path.run(t, sqlReads, "")
		path.run(t, []sqlCase{{"DO block that reads", execSQL("do $$ begin perform 1; end $$"), false}}, "")
	})
}

func TestMarksOnThePrimaryThroughDatabaseSQL(t *testing.T) {
	eachSQL(t, machine.Primary, func(t *testing.T, path sqlPath) {
		path.run(t, sqlWrites, "wrote ")
		path.run(t, sqlRefusals, "")
		path.run(t, sqlReads, "")
	})
}

// TestWrapLeavesNoMarkOnAReadOnlyPrimary, which it has to ask.
func TestWrapLeavesNoMarkOnAReadOnlyPrimary(t *testing.T) {
	t.Parallel()
	db := openStdlib(t, needMarksCluster(t).Primary().DirectURL()+"&default_transaction_read_only=on")
	ctx, tr := trail.Start(t.Context())
	if err := execSQL(addLine)(ctx, db); sqlState(err) != "25006" {
		t.Errorf("%v, want SQLSTATE 25006", err)
	}
	wantMarks(t, tr, "")
}

// fakeServer answers every statement with an error, and says whether it is a replica,
// if anything.
type fakeServer struct {
	err     error // of statements
	replica bool
	silent  bool
	asked   atomic.Int32
	closed  atomic.Bool
}

func (s *fakeServer) Connect(context.Context) (driver.Conn, error) { return fakeConn{s}, nil }
func (s *fakeServer) Driver() driver.Driver                        { return nil }
func (s *fakeServer) Close() error {
	s.closed.Store(true)
	return nil
}

type fakeConn struct{ *fakeServer }

func (c fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("unused") }
func (c fakeConn) Begin() (driver.Tx, error)           { return nil, errors.New("unused") }
func (c fakeConn) Close() error                        { return nil }
func (c fakeConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, c.err
}
func (c fakeConn) QueryContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Rows, error) {
	if text != "select pg_is_in_recovery()" {
		return nil, c.err
	}
	if c.asked.Add(1); c.silent {
		return nil, io.ErrUnexpectedEOF
	}
	return &answer{c.replica, false}, nil
}

type answer struct{ replica, read bool }

func (a *answer) Columns() []string { return []string{"pg_is_in_recovery"} }
func (a *answer) Close() error      { return nil }
func (a *answer) Next(dest []driver.Value) error {
	if a.read {
		return io.EOF
	}
	dest[0], a.read = a.replica, true
	return nil
}

// stateError is an error of any driver that has the method.
type stateError string

func (e stateError) Error() string    { return "SQLSTATE " + string(e) }
func (e stateError) SQLState() string { return string(e) }

// TestWrapAsksOnlyNowAndThen: what it asks is asked once for many, also where there
// was no answer.
func TestWrapAsksOnlyNowAndThen(t *testing.T) {
	for _, silent := range []bool{false, true} {
		s := &fakeServer{err: stateError("25006"), replica: true, silent: silent}
		db := sql.OpenDB(Wrap(s))
		for range 5 {
			ctx, tr := trail.Start(t.Context())
			db.ExecContext(ctx, addLine)
			wantMarks(t, tr, "refused ")
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("silent %v: asked %d times, want once", silent, n)
		}
		if s.closed.Load() {
			t.Error("to ask has closed the app's connector")
		}
		db.Close()
		if !s.closed.Load() {
			t.Error("the connector was not closed with its database")
		}
	}
}

// TestWhatWasLostIsNotDoneTwice: Wrap does not know whether it was done.
func TestWhatWasLostIsNotDoneTwice(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    *fakeServer
		text string
		want string
	}{
		{"a read", &fakeServer{silent: true}, "select 1", "conflict "},
		{"a write, who knows where", &fakeServer{silent: true}, addLine, "wrote "},
		{"a write on a primary", &fakeServer{}, addLine, "wrote "},
		{"a write on a replica", &fakeServer{replica: true}, addLine, "conflict "},
		{"anything on a primary", &fakeServer{}, "call something()", "wrote "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, err := range []error{stateError("57P01"), io.ErrUnexpectedEOF, io.EOF, fmt.Errorf("read: %w", io.ErrClosedPipe)} {
				tt.s.err = err
				db := closing(t, sql.OpenDB(Wrap(tt.s)))
				ctx, tr := trail.Start(t.Context())
				db.ExecContext(ctx, tt.text)
				want := tt.want
				if classify(err) == meaning.Nothing {
					want = ""
				}
				wantMarks(t, tr, want)
			}
		})
	}
}
