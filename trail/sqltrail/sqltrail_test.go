package sqltrail_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"homing/trail"
	"homing/trail/sqltrail"
)

var errReadOnly = errors.New("read-only")

// call says what the drivers below were asked, and what they answer.
type call struct {
	log    []string
	err    error // of the call named at
	at     string
	commit bool // whether the call named at commits
}

func (c *call) did(name string) error {
	c.log = append(c.log, name)
	if c.at == name {
		return c.err
	}
	return nil
}

func (c *call) committed() bool {
	was := c.commit && len(c.log) > 0 && c.log[len(c.log)-1] == c.at
	if was {
		c.commit = false
	}
	return was
}

// plainDriver has nothing that is optional.
type plainDriver struct{ *call }

func (d plainDriver) Open(string) (driver.Conn, error) { return nil, errors.New("unused") }
func (d plainDriver) Connect(context.Context) (driver.Conn, error) {
	return plainConn(d), d.did("connect")
}
func (d plainDriver) Driver() driver.Driver { return d }

type plainConn struct{ *call }

func (c plainConn) Prepare(q string) (driver.Stmt, error) { return plainStmt(c), c.did("prepare") }
func (c plainConn) Begin() (driver.Tx, error)             { return plainTx(c), c.did("begin") }
func (c plainConn) Close() error                          { return nil }

type plainTx struct{ *call }

func (x plainTx) Commit() error   { return x.did("commit") }
func (x plainTx) Rollback() error { return x.did("rollback") }

type plainStmt struct{ *call }

func (s plainStmt) Close() error  { return s.did("stmt close") }
func (s plainStmt) NumInput() int { return 1 }
func (s plainStmt) Exec(args []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(args[0].(int64)), s.did("exec")
}
func (s plainStmt) Query(args []driver.Value) (driver.Rows, error) {
	return &plainRows{call: s.call, left: 2}, s.did("query")
}

type plainRows struct {
	*call
	left int
}

func (r *plainRows) Columns() []string { return []string{"n"} }
func (r *plainRows) Close() error      { return r.did("rows close") }
func (r *plainRows) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	dest[0] = int64(r.left)
	r.left--
	return r.did("next")
}

// richDriver has all of it.
type richDriver struct{ plainDriver }

func (d richDriver) Connect(context.Context) (driver.Conn, error) {
	return richConn{plainConn{d.call}}, d.did("connect")
}
func (d richDriver) Close() error { return d.did("connector close") }

type richConn struct{ plainConn }

func (c richConn) Ping(context.Context) error         { return c.did("ping") }
func (c richConn) ResetSession(context.Context) error { return c.did("reset") }
func (c richConn) IsValid() bool                      { return c.did("valid") == nil }
func (c richConn) CheckNamedValue(nv *driver.NamedValue) error {
	nv.Value = int64(7)
	return c.did("check")
}
func (c richConn) ExecContext(_ context.Context, q string, a []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.did("exec context")
}
func (c richConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &richRows{plainRows{call: c.call, left: 1}}, c.did("query context")
}
func (c richConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return richStmt{plainStmt{c.call}}, c.did("prepare context")
}
func (c richConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return plainTx{c.call}, c.did("begin tx")
}

type richStmt struct{ plainStmt }

func (s richStmt) ColumnConverter(int) driver.ValueConverter { s.did("converter"); return driver.Int32 }
func (s richStmt) CheckNamedValue(*driver.NamedValue) error {
	s.did("stmt check")
	return driver.ErrSkip
}
func (s richStmt) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), s.did("stmt exec context")
}
func (s richStmt) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	return &richRows{plainRows{call: s.call, left: 1}}, s.did("stmt query context")
}

type richRows struct{ plainRows }

func (r *richRows) HasNextResultSet() bool                            { return true }
func (r *richRows) NextResultSet() error                              { r.did("next set"); return io.EOF }
func (r *richRows) ColumnTypeScanType(int) reflect.Type               { return reflect.TypeFor[int64]() }
func (r *richRows) ColumnTypeDatabaseTypeName(int) string             { return "INT" }
func (r *richRows) ColumnTypeLength(int) (int64, bool)                { return 5, true }
func (r *richRows) ColumnTypeNullable(int) (bool, bool)               { return true, true }
func (r *richRows) ColumnTypePrecisionScale(int) (int64, int64, bool) { return 3, 2, true }

func open(t *testing.T, c driver.Connector, k *call) *sql.DB {
	db := sql.OpenDB(sqltrail.Wrap(c, sqltrail.Hooks{
		Failed: func(_ context.Context, _ string, err error) trail.Mark {
			if errors.Is(err, errReadOnly) {
				return trail.Refused
			}
			return 0
		},
		Opened: func(driver.Conn) (func() bool, error) { return k.committed, nil },
	}))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// use is a request that does everything once.
func use(ctx context.Context, db *sql.DB) error {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	note(db.PingContext(ctx))
	_, err := db.ExecContext(ctx, "x", 1)
	note(err)
	rows, err := db.QueryContext(ctx, "x", 1)
	note(err)
	if err == nil {
		for rows.Next() {
		}
		rows.NextResultSet()
		note(rows.Err())
		note(rows.Close())
	}
	tx, err := db.BeginTx(ctx, nil)
	note(err)
	if err != nil {
		return errors.Join(errs...)
	}
	st, err := tx.Prepare("x")
	note(err)
	if err == nil {
		_, err = st.Exec(1)
		note(err)
		rows, err := st.Query(1)
		note(err)
		if err == nil {
			note(rows.Close())
		}
		note(st.Close())
	}
	note(tx.Commit())
	return errors.Join(errs...)
}

func TestAPlainDriverWorksAsWithoutUs(t *testing.T) {
	var wrapped, bare call
	if err := use(t.Context(), open(t, plainDriver{&wrapped}, &wrapped)); err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(plainDriver{&bare})
	defer db.Close()
	if err := use(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(wrapped.log, bare.log) {
		t.Errorf("wrapped: %q\nwithout: %q", wrapped.log, bare.log)
	}
}

func TestARichDriverWorksAsWithoutUs(t *testing.T) {
	var wrapped, bare call
	db := open(t, richDriver{plainDriver{&wrapped}}, &wrapped)
	if err := use(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = sql.OpenDB(richDriver{plainDriver{&bare}})
	if err := use(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if !slices.Equal(wrapped.log, bare.log) {
		t.Errorf("wrapped: %q\nwithout: %q", wrapped.log, bare.log)
	}
}

func TestColumnTypesAreForwarded(t *testing.T) {
	k := new(call)
	rows, err := open(t, richDriver{plainDriver{k}}, k).Query("x", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	ct := types[0]
	length, _ := ct.Length()
	nullable, _ := ct.Nullable()
	precision, scale, _ := ct.DecimalSize()
	if ct.ScanType() != reflect.TypeFor[int64]() || ct.DatabaseTypeName() != "INT" || length != 5 || !nullable || precision != 3 || scale != 2 {
		t.Errorf("column type is %+v", ct)
	}
}

// TestEveryErrorLeavesItsMark: wherever the driver fails, and although calls in
// the transaction have no context.
func TestEveryErrorLeavesItsMark(t *testing.T) {
	for _, tt := range []struct {
		rich bool
		at   []string
	}{
		{false, []string{"connect", "prepare", "exec", "query", "next", "rows close", "begin", "commit", "stmt close"}},
		{true, []string{"connect", "ping", "exec context", "query context", "prepare context", "begin tx", "stmt exec context", "stmt query context"}},
	} {
		for _, at := range tt.at {
			t.Run(at, func(t *testing.T) {
				k := &call{err: errReadOnly, at: at}
				var c driver.Connector = plainDriver{k}
				if tt.rich {
					c = richDriver{plainDriver{k}}
				}
				db := open(t, c, k)
				use(t.Context(), db) // no trail: nothing to mark, nothing to panic
				ctx, tr := trail.Start(t.Context())
				if err := use(ctx, db); err == nil && at != "stmt close" {
					t.Error("no error")
				}
				if !tr.Has(trail.Refused) {
					t.Error("no mark")
				}
			})
		}
	}
}

func TestEveryCommitLeavesItsMark(t *testing.T) {
	for _, at := range []string{"exec context", "query context", "next", "rows close", "commit", "stmt exec context", "stmt query context"} {
		t.Run(at, func(t *testing.T) {
			k := &call{at: at, commit: true}
			ctx, tr := trail.Start(t.Context())
			if err := use(ctx, open(t, richDriver{plainDriver{k}}, k)); err != nil {
				t.Fatal(err)
			}
			if !tr.Has(trail.Wrote) {
				t.Error("no mark")
			}
		})
	}
}

func TestOptionsThatAPlainDriverLacksAreErrors(t *testing.T) {
	k := new(call)
	db := open(t, plainDriver{k}, k)
	if tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}); err == nil {
		tx.Rollback()
		t.Error("a read-only transaction was begun")
	}
	if _, err := db.Exec("x", sql.Named("a", 1)); err == nil {
		t.Error("a named argument was accepted")
	}
}

func TestAFailedHookFailsTheConnection(t *testing.T) {
	k := new(call)
	db := sql.OpenDB(sqltrail.Wrap(plainDriver{k}, sqltrail.Hooks{
		Opened: func(driver.Conn) (func() bool, error) { return nil, errReadOnly },
	}))
	defer db.Close()
	if err := db.Ping(); !errors.Is(err, errReadOnly) {
		t.Errorf("Ping: %v, want the hook's error", err)
	}
}

func TestUnwrapGivesTheDriversConnection(t *testing.T) {
	k := new(call)
	conn, err := open(t, richDriver{plainDriver{k}}, k).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Raw(func(c any) error {
		if _, ok := sqltrail.Unwrap(c).(richConn); !ok {
			t.Errorf("%T is not the driver's connection", sqltrail.Unwrap(c))
		}
		return nil
	})
}

// BenchmarkExec is what the wrapper costs a call that leaves no mark.
func BenchmarkExec(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for _, bb := range []struct {
		name string
		c    driver.Connector
	}{
		{"bare", silentDriver{}},
		{"wrapped", sqltrail.Wrap(silentDriver{}, sqltrail.Hooks{Opened: func(driver.Conn) (func() bool, error) {
			return func() bool { return false }, nil
		}})},
	} {
		b.Run(bb.name, func(b *testing.B) {
			db := sql.OpenDB(bb.c)
			defer db.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.ExecContext(ctx, "x"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type silentDriver struct{}

func (silentDriver) Connect(context.Context) (driver.Conn, error) { return silentConn{}, nil }
func (silentDriver) Driver() driver.Driver                        { return plainDriver{} }

type silentConn struct{ plainConn }

func (silentConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

// TestEveryStatementThatRanIsAskedAbout, once, with its text, and only if it
// belongs to a request.
func TestEveryStatementThatRanIsAskedAbout(t *testing.T) {
	type ran struct {
		query    string
		affected int64
	}
	var asked []ran
	k := new(call)
	db := sql.OpenDB(sqltrail.Wrap(plainDriver{k}, sqltrail.Hooks{
		Ran: func(_ context.Context, query string, affected int64) trail.Mark {
			asked = append(asked, ran{query, affected})
			return trail.Wrote
		},
	}))
	defer db.Close()
	if err := use(t.Context(), db); err != nil || len(asked) > 0 {
		t.Fatalf("without a request: asked about %v, %v", asked, err)
	}
	ctx, tr := trail.Start(t.Context())
	if err := use(ctx, db); err != nil {
		t.Fatal(err)
	}
	if want := []ran{{"x", 1}, {"x", -1}, {"x", 1}, {"x", -1}}; !slices.Equal(asked, want) {
		t.Errorf("asked about %v, want %v", asked, want)
	}
	if !tr.Has(trail.Wrote) {
		t.Error("no mark")
	}
	k.at, k.err, asked = "next", errReadOnly, nil
	rows, err := db.QueryContext(ctx, "y", 1)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if rows.Close(); len(asked) > 0 {
		t.Errorf("asked about %v, which failed", asked)
	}
}

// TestFailuresAreToldWithTheirStatement, and only what ran one.
func TestFailuresAreToldWithTheirStatement(t *testing.T) {
	for at, want := range map[string]string{
		"connect": "", "prepare": "", "begin": "", "commit": "", "exec": "x", "query": "x", "next": "x", "rows close": "x",
	} {
		t.Run(at, func(t *testing.T) {
			k := &call{err: io.EOF, at: at} // also io.EOF, but for that of rows
			var told []string
			db := sql.OpenDB(sqltrail.Wrap(plainDriver{k}, sqltrail.Hooks{
				Failed: func(_ context.Context, query string, _ error) trail.Mark {
					told = append(told, query)
					return 0
				},
			}))
			defer db.Close()
			use(t.Context(), db)
			if len(told) > 0 {
				t.Errorf("told of %q without a request", told)
			}
			ctx, _ := trail.Start(t.Context())
			use(ctx, db)
			if atEnd := at == "next" || at == "rows close"; atEnd != (len(told) == 0) || !atEnd && told[0] != want {
				t.Errorf("told of %q, want %q", told, want)
			}
		})
	}
}
