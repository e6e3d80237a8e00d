package claim

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// crossingKey is under which a request's context says where its round trips are counted.
type crossingKey struct{}

func crossing(ctx context.Context, at place) context.Context {
	return context.WithValue(ctx, crossingKey{}, at)
}

// crossings counts how often requests wait for an answer on connections that cross to the
// primary, as the driver tells it. What belongs to no request is not counted.
type crossings struct{ bench *bench }

func (c crossings) count(ctx context.Context) context.Context {
	if at, ok := ctx.Value(crossingKey{}).(place); ok {
		c.bench.mu.Lock()
		defer c.bench.mu.Unlock()
		c.bench.crossed[at]++
	}
	return ctx
}

// TraceQueryStart counts one statement, BEGIN and COMMIT too.
func (c crossings) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return c.count(ctx)
}

// TraceBatchStart counts a batch as one.
func (c crossings) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return c.count(ctx)
}

// TracePrepareStart counts what the driver does where a statement is not known yet.
func (c crossings) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return c.count(ctx)
}

// The ends tell nothing more.

func (crossings) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData)     {}
func (crossings) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (crossings) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (crossings) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}
