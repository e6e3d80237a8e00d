package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/trail"
)

const insert = "insert into notes (text) values ('x')"

// do is one thing that an app does with a pool.
type do = func(ctx context.Context, pool *pgxpool.Pool) error

func exec(sql string, args ...any) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := pool.Exec(ctx, sql, args...)
		return err
	}
}

// query reads all rows, as the app has to.
func query(sql string, args ...any) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		rows, err := pool.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	}
}

// inTx runs the steps in a transaction.
func inTx(opts pgx.TxOptions, steps ...func(context.Context, pgx.Tx) error) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		tx, err := pool.BeginTx(ctx, opts)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.Background())
		for _, step := range steps {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Commit(ctx)
	}
}

func step(sql string) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql)
		return err
	}
}

// stepWithoutContext is one that cannot be attributed by itself.
func stepWithoutContext(sql string) func(context.Context, pgx.Tx) error {
	return func(_ context.Context, tx pgx.Tx) error { return step(sql)(context.Background(), tx) }
}

// batch reads the results up to the first error, if it reads at all.
func batch(read bool, statements ...string) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		b := new(pgx.Batch)
		for _, sql := range statements {
			b.Queue(sql)
		}
		results := pool.SendBatch(ctx, b)
		var err error
		for range statements {
			if read && err == nil {
				_, err = results.Exec()
			}
		}
		return errors.Join(err, results.Close())
	}
}

func copyFrom(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.CopyFrom(ctx, pgx.Identifier{"log"}, []string{"line"}, pgx.CopyFromRows([][]any{{"a"}, {"b"}}))
	return err
}

// onConn runs f on a connection that nobody else has.
func onConn(f func(context.Context, *pgx.Conn) error) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return f(ctx, c.Conn()) })
	}
}

// swallowed does it and forgets the error.
func swallowed(f do) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		if f(ctx, pool) == nil {
			return nil
		}
		return errSwallowed
	}
}

var errSwallowed = errors.New("there was one")

func prepared(ctx context.Context, c *pgx.Conn) error {
	if _, err := c.Prepare(ctx, "add", "insert into notes (text) values ($1)"); err != nil {
		return err
	}
	_, err := c.Exec(ctx, "add", "x")
	return err
}

// readWrite reads in a transaction that says it may write.
var readWrite = inTx(pgx.TxOptions{AccessMode: pgx.ReadWrite}, step("select 1"))

var serializable = inTx(pgx.TxOptions{IsoLevel: pgx.Serializable}, step("select 1"))

// refusals are what a replica refuses, whichever way it is asked.
var refusals = []struct {
	name string
	do   do
}{
	{"Exec", exec(insert)},
	{"Exec with arguments", exec("insert into notes (text) values ($1)", "x")},
	{"Query", query(insert + " returning id")},
	{"Query with arguments", query("insert into notes (text) values ($1) returning id", "x")},
	{"Query, rows not read", func(ctx context.Context, pool *pgxpool.Pool) error {
		rows, err := pool.Query(ctx, insert+" returning id")
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	}},
	{"QueryRow", func(ctx context.Context, pool *pgxpool.Pool) error {
		return pool.QueryRow(ctx, insert+" returning id").Scan(new(int))
	}},
	{"simple protocol", exec(insert+"; select 1", pgx.QueryExecModeSimpleProtocol)},
	{"the error is swallowed", swallowed(exec(insert))},
	{"batch, first item", batch(true, insert, "select 1", "select 2")},
	{"batch, in the middle", batch(true, "select 1", insert, "select 2")},
	{"batch, last item", batch(true, "select 1", "select 2", insert)},
	{"batch, nothing read", batch(false, "select 1", insert, "select 2")},
	{"batch, swallowed", swallowed(batch(true, insert, "select 1"))},
	{"batch with a function", func(ctx context.Context, pool *pgxpool.Pool) error {
		b := new(pgx.Batch)
		b.Queue("select 1").Exec(func(pgconn.CommandTag) error { return nil })
		b.Queue(insert + " returning id").QueryRow(func(row pgx.Row) error { return row.Scan(new(int)) })
		return pool.SendBatch(ctx, b).Close()
	}},
	{"COPY FROM", copyFrom},
	{"transaction, first statement", inTx(pgx.TxOptions{}, step(insert), step("select 1"))},
	{"transaction, later statement", inTx(pgx.TxOptions{}, step("select 1"), step(insert))},
	{"transaction, after which nothing works", inTx(pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		tx.Exec(ctx, insert)
		_, err := tx.Exec(ctx, "select 1")
		if sqlState(err) != "25P02" {
			return nil
		}
		return err
	})},
	{"transaction, statement without a context", inTx(pgx.TxOptions{}, stepWithoutContext(insert))},
	{"BEGIN READ WRITE", readWrite},
	{"BEGIN SERIALIZABLE", serializable},
	{"read-only transaction that writes", inTx(pgx.TxOptions{AccessMode: pgx.ReadOnly}, step(insert))},
	{"SET transaction_read_only", inTx(pgx.TxOptions{}, step("set transaction_read_only = off"))},
	{"LISTEN", exec("listen news")},
	{"NOTIFY", exec("notify news")},
	{"temporary table", exec("create temp table mine (x int)")},
	{"SELECT FOR UPDATE", query("select id from notes for update")},
	{"SELECT FOR SHARE", query("select id from notes where id = $1 for share", 1)},
	{"LOCK TABLE", inTx(pgx.TxOptions{}, step("lock table notes"))},
	{"nextval", query("select nextval('notes_id_seq')")},
	{"function that writes", query("select add_note($1)", "x")},
	{"DO block that writes", exec("do $$ begin " + insert + "; end $$")},
	{"WITH that writes", query("with n as (" + insert + " returning id) select id from n")},
	{"UPDATE of no rows", exec("update notes set text = 'y' where id = -1")},
	{"DDL", exec("create table more (x int)")},
	{"TRUNCATE", exec("truncate notes")},
}

// reads are what a replica does, and what it could not do anyway.
var reads = []struct {
	name string
	do   do
	fail bool
}{
	{"nothing", exec("-- nothing"), false},
	{"SELECT", query("select text from notes"), false},
	{"SELECT with arguments", query("select text from notes where id = $1", 1), false},
	{"VALUES", query("values (1), (2)"), false},
	{"WITH", query("with n as (select * from notes) select count(*) from n"), false},
	{"WITH that names a write", query("with n as (select 'insert') select * from n"), false},
	{"a semicolon in a string", exec("select 'delete; from'"), false},
	{"SHOW", query("show work_mem"), false},
	{"SET", exec("set statement_timeout = 0"), false},
	{"EXPLAIN", query("explain insert into log values ('x')"), false},
	{"DO block that reads", exec("do $$ begin perform 1; end $$"), false},
	{"batch", batch(true, "select 1", "select 2"), false},
	{"read-only transaction", inTx(pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, step("select 1"),
		step("declare c cursor for select id from notes"), step("fetch all from c"), step("close c"),
		step("savepoint s"), step("release s")), false},
	{"transaction that is rolled back", inTx(pgx.TxOptions{}, step("select 1"), func(context.Context, pgx.Tx) error { return errSwallowed }), true},
	{"nonsense", exec("select nonsense"), true},
	{"division by zero", query("select 1 / $1::int", 0), true},
	{"batch with nonsense", batch(true, "select 1", "select nonsense"), true},
	{"statement timeout", inTx(pgx.TxOptions{}, step("set local statement_timeout = 1"), step("select pg_sleep(10)")), true},
}

// paths are the ways to a server that behave differently.
var paths = []struct {
	name    string
	bouncer bool
	mode    string // empty: pgx's own choice
}{
	{"directly", false, ""},
	{"directly, without prepared statements", false, "exec"},
	{"directly, simple protocol", false, "simple_protocol"},
	{"through PgBouncer", true, ""},
}

// eachPath runs f in parallel with a pool for each way to the replica or the primary.
func eachPath(t *testing.T, role machine.Role, f func(t *testing.T, pool *pgxpool.Pool)) {
	c := needMarksCluster(t)
	server := c.Primary()
	if role == machine.Replica {
		server = c.Replicas()[0]
	}
	for _, path := range paths {
		t.Run(path.name, func(t *testing.T) {
			t.Parallel()
			address := server.DirectURL()
			if path.bouncer {
				address = server.URL()
			}
			if path.mode != "" {
				address += "&default_query_exec_mode=" + path.mode
			}
			f(t, openPool(t, address, always(role)))
		})
	}
}

func TestRefusedWritesLeaveTheirMark(t *testing.T) {
	eachPath(t, machine.Replica, func(t *testing.T, pool *pgxpool.Pool) {
		for _, tt := range refusals {
			t.Run(tt.name, func(t *testing.T) {
				ctx, tr := trail.Start(t.Context())
				if err := tt.do(ctx, pool); err == nil {
					t.Error("no error: the replica has done it")
				}
				wantMarks(t, tr, "refused ")
			})
		}
	})
}

// TestRefusedPreparedStatementsLeaveTheirMark: PgBouncer 1.18 knows no such
// statements.
func TestRefusedPreparedStatementsLeaveTheirMark(t *testing.T) {
	t.Parallel()
	pool := openPool(t, needMarksCluster(t).Replicas()[0].DirectURL(), always(machine.Replica))
	ctx, tr := trail.Start(t.Context())
	for _, way := range []string{"new", "again"} {
		if err := onConn(prepared)(ctx, pool); err == nil {
			t.Errorf("%s: no error", way)
		}
	}
	wantMarks(t, tr, "refused ")
}

func TestReadsLeaveNoMark(t *testing.T) {
	eachPath(t, machine.Replica, func(t *testing.T, pool *pgxpool.Pool) {
		for _, tt := range reads {
			t.Run(tt.name, func(t *testing.T) {
				ctx, tr := trail.Start(t.Context())
				if err := tt.do(ctx, pool); (err != nil) != tt.fail {
					t.Error(err)
				}
				wantMarks(t, tr, "")
			})
		}
	})
}

func TestRefusedWritesThatAreToleratedLeaveNoMark(t *testing.T) {
	t.Parallel()
	m := always(machine.Primary)
	m.inRecovery = func(context.Context) (bool, error) {
		t.Error("the server was asked")
		return true, nil
	}
	pool := openPool(t, needMarksCluster(t).Replicas()[0].DirectURL(), m)
	ctx, tr := trail.Start(t.Context())
	if err := exec(insert)(trail.Tolerate(ctx), pool); err == nil {
		t.Error("no error")
	}
	wantMarks(t, tr, "")
}

// TestAMarkIsOfItsOwnRequest: a connection carries nothing from one request to the
// next.
func TestAMarkIsOfItsOwnRequest(t *testing.T) {
	t.Parallel()
	pool := openPool(t, needMarksCluster(t).Replicas()[0].DirectURL()+"&pool_max_conns=1", always(machine.Replica))
	first, before := trail.Start(t.Context())
	for _, end := range []do{
		inTx(pgx.TxOptions{}, step("select 1")),
		inTx(pgx.TxOptions{}, step("select 1"), func(context.Context, pgx.Tx) error { return errSwallowed }),
		// A transaction that ends behind the tracer's back.
		onConn(func(ctx context.Context, c *pgx.Conn) error {
			if _, err := c.Exec(ctx, "begin"); err != nil {
				return err
			}
			return c.PgConn().Exec(ctx, "commit").Close()
		}),
	} {
		if err := end(first, pool); err != nil && err != errSwallowed {
			t.Fatal(err)
		}
		for _, f := range []do{exec(insert), inTx(pgx.TxOptions{}, step(insert)), batch(true, "begin", insert), copyFrom} {
			if f(t.Context(), pool) == nil {
				t.Error("no error")
			}
		}
	}
	wantMarks(t, before, "")
}

// TestATracerOfTheUsersSeesEverything, and ours too.
func TestATracerOfTheUsersSeesEverything(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig(needMarksCluster(t).Replicas()[0].DirectURL())
	if err != nil {
		t.Fatal(err)
	}
	users := &nosy{seen: map[string]int{}}
	cfg.ConnConfig.Tracer = chain(users, newTracer(always(machine.Replica)))
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, tr := trail.Start(t.Context())
	for _, f := range []do{exec(insert), batch(true, "select 1"), copyFrom, onConn(prepared)} {
		f(ctx, pool)
	}
	pool.Close()
	for _, what := range []string{
		"query start", "query end", "batch start", "batch query", "batch end", "copy start", "copy end",
		"prepare start", "prepare end", "connect start", "connect end", "acquire start", "acquire end", "release",
	} {
		if users.seen[what] == 0 {
			t.Errorf("the user's tracer has not seen: %s", what)
		}
	}
	wantMarks(t, tr, "refused ")
}

// nosy is a tracer with everything that pgx knows. Its pool is used by one goroutine.
type nosy struct{ seen map[string]int }

func (n *nosy) start(ctx context.Context, what string) context.Context {
	n.seen[what+" start"]++
	return ctx
}

func (n *nosy) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return n.start(ctx, "query")
}
func (n *nosy) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {
	n.seen["query end"]++
}
func (n *nosy) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return n.start(ctx, "batch")
}
func (n *nosy) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	n.seen["batch query"]++
}
func (n *nosy) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {
	n.seen["batch end"]++
}
func (n *nosy) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return n.start(ctx, "copy")
}
func (n *nosy) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {
	n.seen["copy end"]++
}
func (n *nosy) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return n.start(ctx, "prepare")
}
func (n *nosy) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {
	n.seen["prepare end"]++
}
func (n *nosy) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return n.start(ctx, "connect")
}
func (n *nosy) TraceConnectEnd(context.Context, pgx.TraceConnectEndData) { n.seen["connect end"]++ }
func (n *nosy) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return n.start(ctx, "acquire")
}
func (n *nosy) TraceAcquireEnd(context.Context, *pgxpool.Pool, pgxpool.TraceAcquireEndData) {
	n.seen["acquire end"]++
}
func (n *nosy) TraceRelease(*pgxpool.Pool, pgxpool.TraceReleaseData) { n.seen["release"]++ }
