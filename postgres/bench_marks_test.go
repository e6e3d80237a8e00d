package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
	"homing/trail"
)

// benchContext is about as deep as a request's.
func benchContext(b *testing.B) context.Context {
	ctx, _ := trail.Start(context.Background())
	for range 3 {
		ctx = context.WithValue(ctx, new(int), 1)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	b.Cleanup(cancel)
	return ctx
}

// BenchmarkQuery is a query that leaves no mark, with the tracer and without.
func BenchmarkQuery(b *testing.B) {
	c := needMarksCluster(b)
	for _, bb := range []struct {
		name   string
		tracer pgx.QueryTracer
	}{
		{"bare", nil},
		{"replica", newTracer(always(machine.Replica))},
		{"primary", newTracer(always(machine.Primary))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			cfg, err := pgx.ParseConfig(c.Replicas()[0].DirectURL())
			if err != nil {
				b.Fatal(err)
			}
			cfg.Tracer = bb.tracer
			conn, err := pgx.ConnectConfig(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close(context.Background())
			ctx, n := benchContext(b), 0
			b.ReportAllocs()
			for b.Loop() {
				if err := conn.QueryRow(ctx, "select 1").Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTracer is the tracer's part of it alone.
func BenchmarkTracer(b *testing.B) {
	conn, err := pgx.Connect(b.Context(), needMarksCluster(b).Replicas()[0].DirectURL())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, role := range []machine.Role{machine.Replica, machine.Primary} {
		b.Run(role.String(), func(b *testing.B) {
			b.ReportAllocs()
			traceQueries(benchContext(b), conn, role, b.Loop)
		})
	}
}

// traceQueries does what pgx does with a tracer at each query, while more.
func traceQueries(ctx context.Context, conn *pgx.Conn, role machine.Role, more func() bool) {
	var t pgx.QueryTracer = newTracer(always(role))
	const sql = "-- name: Notes :many\nselect id, text from notes where id = any($1) order by id"
	done := pgx.TraceQueryEndData{CommandTag: pgconn.NewCommandTag("SELECT 3")}
	for more() {
		t.TraceQueryEnd(t.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: sql}), conn, done)
	}
}

func TestTheTracerAllocatesNothing(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), needMarksCluster(t).Replicas()[0].DirectURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	ctx, _ := trail.Start(t.Context())
	for _, role := range []machine.Role{machine.Replica, machine.Primary} {
		n := 0
		got := testing.AllocsPerRun(1, func() { traceQueries(ctx, conn, role, func() bool { n++; return n%1000 != 0 }) })
		if got > 100 { // those of getting ready
			t.Errorf("%s: %v allocations for 1000 queries", role, got)
		}
	}
}
