package sqltrail

import (
	"context"
	"database/sql/driver"
	"errors"

	"homing/trail"
)

// conn wraps one connection. Like the driver's, it is used by one goroutine at
// a time.
type conn struct {
	inner     driver.Conn
	hooks     *Hooks
	committed func() bool     // nil: commits are not watched
	tx        context.Context // BeginTx's, until the transaction ends; else nil
}

// Each is optional; conn forwards all of them.
var (
	_ driver.Pinger             = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
)

// settle leaves the marks of one driver call. A commit counts even when the call
// failed: in "INSERT …; SELECT nonsense" the first statement has taken effect.
func (c *conn) settle(ctx context.Context, query string, err error) {
	ctx = c.request(ctx)
	c.hooks.failed(ctx, query, err)
	if c.committed == nil || !c.committed() {
		return
	}
	trail.Leave(ctx, trail.Wrote)
	if c.hooks.Committed != nil {
		c.hooks.Committed()
	}
}

// request returns the context with the trail that a call belongs to.
func (c *conn) request(ctx context.Context) context.Context {
	if c.tx != nil && trail.From(ctx) == nil {
		return c.tx
	}
	return ctx
}

// settleExec is settle for what returns a result.
func (c *conn) settleExec(ctx context.Context, query string, res driver.Result, err error) {
	c.settle(ctx, query, err)
	if err != nil || c.hooks.Ran == nil {
		return
	}
	affected, err := res.RowsAffected()
	if err != nil {
		affected = -1
	}
	c.hooks.ran(c.request(ctx), query, affected)
}

func (c *conn) Ping(ctx context.Context) error {
	p, ok := c.inner.(driver.Pinger)
	if !ok {
		return nil
	}
	err := p.Ping(ctx)
	c.settle(ctx, "", err)
	return err
}

func (c *conn) ResetSession(ctx context.Context) error {
	c.tx = nil
	if r, ok := c.inner.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	v, ok := c.inner.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	if ch, ok := c.inner.(driver.NamedValueChecker); ok {
		return ch.CheckNamedValue(nv)
	}
	return driver.ErrSkip
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e, ok := c.inner.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	res, err := e.ExecContext(ctx, query, args)
	c.settleExec(ctx, query, res, err)
	return res, err
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.inner.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	r, err := q.QueryContext(ctx, query, args)
	return c.rows(ctx, query, r, err)
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	var st driver.Stmt
	var err error
	if p, ok := c.inner.(driver.ConnPrepareContext); ok {
		st, err = p.PrepareContext(ctx, query)
	} else if st, err = c.inner.Prepare(query); err == nil && ctx.Err() != nil {
		st.Close()
		err = ctx.Err()
	}
	c.settle(ctx, "", err)
	if err != nil {
		return nil, err
	}
	return &stmt{inner: st, c: c, text: query}, nil
}

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := c.begin(ctx, opts)
	c.settle(ctx, "", err)
	if err != nil {
		return nil, err
	}
	c.tx = ctx
	return &tx{inner: inner, c: c}, nil
}

func (c *conn) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.inner.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if opts != (driver.TxOptions{}) {
		return nil, errors.New("sqltrail: the driver has no isolation levels and no read-only transactions")
	}
	//lint:ignore SA1019 the only one such a driver has
	inner, err := c.inner.Begin()
	if err == nil && ctx.Err() != nil {
		inner.Rollback()
		return nil, ctx.Err()
	}
	return inner, err
}

func (c *conn) Close() error { return c.inner.Close() }

type tx struct {
	inner driver.Tx
	c     *conn
}

func (t *tx) Commit() error   { return t.end(t.inner.Commit()) }
func (t *tx) Rollback() error { return t.end(t.inner.Rollback()) }

func (t *tx) end(err error) error {
	t.c.settle(context.Background(), "", err)
	t.c.tx = nil
	return err
}
