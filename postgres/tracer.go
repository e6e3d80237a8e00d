package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

// tracer has pgx tell a marker of everything that an app does through a *pgx.Conn.
// It does not see what goes through a *pgconn.PgConn.
//
// The request is found through the context of each call. A call without one, within
// a transaction, counts as one of the request that used the transaction before:
// database/sql's tx.Exec and a deferred tx.Rollback(context.Background()) have none.
type tracer struct{ marker *marker }

var (
	_ pgx.QueryTracer       = tracer{}
	_ pgx.BatchTracer       = tracer{}
	_ pgx.CopyFromTracer    = tracer{}
	_ pgx.PrepareTracer     = tracer{}
	_ pgx.ConnectTracer     = tracer{}
	_ pgxpool.AcquireTracer = tracer{}
)

func newTracer(m *marker) tracer { return tracer{m} }

// chain puts ours after the user's own tracer, which may be nil.
func chain(users pgx.QueryTracer, ours tracer) pgx.QueryTracer {
	if users == nil {
		return ours
	}
	return multitracer.New(users, ours)
}

// hiding is the key of a context whose statement [meaning.HidesChange].
type hiding struct{}

func (t tracer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	forget(conn)
	if t.marker.known() != machine.Replica && meaning.HidesChange(data.SQL) {
		return context.WithValue(ctx, hiding{}, true)
	}
	return ctx
}

func (t tracer) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	done := meaning.OfTag(data.CommandTag.String())
	if done == meaning.Unchanged && data.Err == nil && t.marker.known() != machine.Replica && ctx.Value(hiding{}) != nil {
		done = meaning.Perhaps
	}
	t.ended(ctx, conn, done, data.Err)
}

func (t tracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	forget(conn)
	return ctx
}

func (t tracer) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	done := meaning.OfTag(data.CommandTag.String())
	if done == meaning.Unchanged && data.Err == nil && t.marker.known() != machine.Replica && meaning.HidesChange(data.SQL) {
		done = meaning.Perhaps
	}
	t.ended(ctx, conn, done, data.Err)
}

// TraceBatchEnd has the error of what the app has not read.
func (t tracer) TraceBatchEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchEndData) {
	t.ended(ctx, conn, meaning.Unchanged, data.Err)
}

func (t tracer) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	forget(conn)
	return ctx
}

func (t tracer) TraceCopyFromEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromEndData) {
	done := meaning.Unchanged
	if data.CommandTag.RowsAffected() > 0 {
		done = meaning.Changed
	}
	t.ended(ctx, conn, done, data.Err)
}

func (t tracer) TracePrepareStart(ctx context.Context, conn *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	forget(conn)
	return ctx
}

func (t tracer) TracePrepareEnd(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareEndData) {
	t.ended(ctx, conn, meaning.Unchanged, data.Err)
}

func (t tracer) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}

// TraceConnectEnd is for connections without a pool; in a pool, it and
// TraceAcquireEnd are told of the same.
func (t tracer) TraceConnectEnd(ctx context.Context, data pgx.TraceConnectEndData) {
	t.marker.unreached(ctx, data.Err)
}

func (t tracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return ctx
}

func (t tracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	t.marker.unreached(ctx, data.Err)
}

func (t tracer) ended(ctx context.Context, conn *pgx.Conn, done meaning.Effect, err error) {
	ctx = request(ctx, conn)
	if err != nil {
		t.marker.failed(ctx, err)
		return
	}
	t.marker.did(ctx, done)
}

// using is where a connection keeps the context of the request that has a
// transaction open on it.
const using = "homing/postgres: request"

const idle = 'I' // of PgConn.TxStatus: in no transaction

// request returns the context with the trail that a call on conn belongs to.
func request(ctx context.Context, conn *pgx.Conn) context.Context {
	of := conn.PgConn()
	kept, _ := of.CustomData()[using].(context.Context)
	switch has := trail.From(ctx) != nil; {
	case !has && kept != nil:
		ctx = kept
	case has && kept == nil && of.TxStatus() != idle:
		of.CustomData()[using] = ctx
	}
	forget(conn)
	return ctx
}

// forget drops the context of a transaction that has ended.
func forget(conn *pgx.Conn) {
	if of := conn.PgConn(); of.TxStatus() == idle {
		delete(of.CustomData(), using)
	}
}
