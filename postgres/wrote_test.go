package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/trail"
)

const addLine = "insert into log values ('x')"

var tables atomic.Int64 // names are drawn once in a run

// withTable puts the name of a new table into sql.
func withTable(format string) do {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := pool.Exec(ctx, fmt.Sprintf(format, fmt.Sprint("more", tables.Add(1))))
		return err
	}
}

// writes are what a primary does.
var writes = []struct {
	name string
	do   do
}{
	{"Exec", exec(addLine)},
	{"Exec with arguments", exec("insert into log values ($1)", "x")},
	{"RETURNING", query(addLine + " returning line")},
	{"RETURNING, rows not read", func(ctx context.Context, pool *pgxpool.Pool) error {
		rows, err := pool.Query(ctx, addLine+" returning line")
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	}},
	{"UPDATE", exec("update notes set text = text where id = 1")},
	{"DELETE", exec("with one as (select 1) " + "delete from log where line = 'nothing' or ctid = (select min(ctid) from log)")},
	{"MERGE or upsert", exec("insert into notes (id, text) values (1, 'one') on conflict (id) do update set text = excluded.text")},
	{"batch, in the middle", batch(true, "select 1", addLine, "select 2")},
	{"batch, nothing read", batch(false, addLine)},
	{"batch, WITH that writes", batch(true, "with l as ("+addLine+" returning line) select * from l")},
	{"COPY FROM", copyFrom},
	{"transaction", inTx(pgx.TxOptions{}, step(addLine))},
	{"transaction, statement without a context", inTx(pgx.TxOptions{}, stepWithoutContext(addLine))},
	{"WITH that writes", query("with l as (" + addLine + " returning line) select * from l")},
	{"several statements, the last one reads", exec(addLine + "; select 1")},
	{"DO block", exec("do $$ begin " + addLine + "; end $$")},
	{"CREATE TABLE", withTable("create table %s (x int)")},
	{"CREATE TABLE AS", withTable("create table %s as select 1")},
	{"EXPLAIN ANALYZE", query("explain analyze " + addLine)},
}

func TestWritesLeaveTheirMark(t *testing.T) {
	eachPath(t, machine.Primary, func(t *testing.T, pool *pgxpool.Pool) {
		for _, tt := range writes {
			t.Run(tt.name, func(t *testing.T) {
				ctx, tr := trail.Start(t.Context())
				if err := tt.do(ctx, pool); err != nil {
					t.Fatal(err)
				}
				wantMarks(t, tr, "wrote ")
			})
		}
	})
}

// readsAlsoHere are reads on a primary, and writes of nothing.
var readsAlsoHere = []struct {
	name string
	do   do
}{
	{"SELECT", query("select text from notes where id = $1", 1)},
	{"WITH", query("with n as (select * from notes) select count(*) from n")},
	{"UPDATE of no rows", exec("update notes set text = 'y' where id = -1")},
	{"INSERT of no rows", exec("insert into notes (id, text) values (1, 'one') on conflict do nothing")},
	{"SELECT FOR UPDATE", query("select id from notes for update")},
	{"read-write transaction that reads", readWrite},
	{"serializable transaction that reads", serializable},
	{"LISTEN", exec("listen news")},
	{"batch", batch(true, "select 1", "select 2")},
	{"EXPLAIN", query("explain select 1")},
	{"cursor", inTx(pgx.TxOptions{}, step("declare c cursor for select id from notes"), step("fetch all from c"))},
}

func TestReadsOnThePrimaryLeaveNoMark(t *testing.T) {
	eachPath(t, machine.Primary, func(t *testing.T, pool *pgxpool.Pool) {
		for _, tt := range readsAlsoHere {
			t.Run(tt.name, func(t *testing.T) {
				ctx, tr := trail.Start(t.Context())
				if err := tt.do(ctx, pool); err != nil {
					t.Fatal(err)
				}
				wantMarks(t, tr, "")
			})
		}
	})
}

// TestAReadOnlyPrimaryLeavesNoMark: to send its requests home would send them to it.
func TestAReadOnlyPrimaryLeavesNoMark(t *testing.T) {
	t.Parallel()
	pool := openPool(t, needMarksCluster(t).Primary().DirectURL()+"&default_transaction_read_only=on", always(machine.Primary))
	ctx, tr := trail.Start(t.Context())
	if err := exec(addLine)(ctx, pool); sqlState(err) != "25006" {
		t.Errorf("%v, want SQLSTATE 25006", err)
	}
	wantMarks(t, tr, "")
}
