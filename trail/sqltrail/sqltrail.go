// Package sqltrail makes a database/sql driver leave marks on the trail of the
// request it works for (package trail): that the database refused a write, that
// a read was cancelled because of replication, that a change was committed.
//
// It wraps a connector, so that an app keeps its *sql.DB and its calls:
//
//	db := sql.OpenDB(sqltrail.Wrap(connector, sqltrail.Hooks{Failed: refused}))
//
// The request is found through the context of each call. Calls without one
// (tx.Exec, tx.Commit, a statement of the transaction) are counted as those of
// the context that BeginTx was given; outside of a transaction they leave no
// mark. An app that swallows an error does not hide it: the mark stands.
//
// Without a trail in the context, and while nothing fails or commits, the cost
// is a few type assertions and one small wrapper for each statement and each
// set of rows.
package sqltrail

import (
	"context"
	"database/sql/driver"
	"io"

	"homing/trail"
)

// Hooks are what only the engine knows. Each may be nil. They are called from
// many goroutines, but never twice at once for one connection.
type Hooks struct {
	// Failed is asked about every error that the driver returned to a call of a
	// request, and says which mark it is; 0 is none. query is empty where the
	// call ran no statement: to connect, prepare, begin, commit.
	Failed func(ctx context.Context, query string, err error) trail.Mark

	// Ran is asked, for drivers that cannot tell of commits, about every
	// statement of a request that has succeeded, and says which mark it is. affected is
	// negative where it is not known: of a query, which is asked about when its
	// first row has come, or its end.
	Ran func(ctx context.Context, query string, affected int64) trail.Mark

	// Opened is called once with each new connection of the inner driver, on
	// which it may install the engine's own hooks. What it returns is asked
	// after every call: was something committed on this connection since it was
	// last asked? An error closes the connection and is Connect's error.
	Opened func(driver.Conn) (committed func() bool, err error)

	// Committed is called after the driver call in which a commit happened has
	// returned, whoever made it.
	Committed func()
}

// Wrap returns a connector whose connections leave marks. It implements every
// optional interface of database/sql/driver and forwards to the inner driver's;
// where that has none, it behaves as database/sql does without.
func Wrap(inner driver.Connector, hooks Hooks) driver.Connector {
	return &connector{inner: inner, hooks: hooks}
}

// Unwrap returns the connection that the inner driver made, of one that
// [database/sql.Conn.Raw] was given; anything else is returned as it is.
func Unwrap(driverConn any) any {
	if c, ok := driverConn.(*conn); ok {
		return c.inner
	}
	return driverConn
}

type connector struct {
	inner driver.Connector
	hooks Hooks
}

func (c *connector) Driver() driver.Driver { return c.inner.Driver() }

// Close is called by [database/sql.DB.Close].
func (c *connector) Close() error {
	if closer, ok := c.inner.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.inner.Connect(ctx)
	if err != nil {
		c.hooks.failed(ctx, "", err)
		return nil, err
	}
	w := &conn{inner: inner, hooks: &c.hooks}
	if c.hooks.Opened == nil {
		return w, nil
	}
	if w.committed, err = c.hooks.Opened(inner); err != nil {
		inner.Close()
		return nil, err
	}
	return w, nil
}

// failed leaves the mark of err, if it has one.
func (h *Hooks) failed(ctx context.Context, query string, err error) {
	if err == nil || err == driver.ErrSkip || h.Failed == nil || trail.From(ctx) == nil {
		return
	}
	trail.Leave(ctx, h.Failed(ctx, query, err))
}

// ran leaves the mark of a statement that succeeded, if it has one.
func (h *Hooks) ran(ctx context.Context, query string, affected int64) {
	if h.Ran != nil && trail.From(ctx) != nil {
		trail.Leave(ctx, h.Ran(ctx, query, affected))
	}
}
