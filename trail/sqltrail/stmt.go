package sqltrail

import (
	"context"
	"database/sql/driver"
	"errors"
)

type stmt struct {
	inner driver.Stmt
	c     *conn
	text  string
}

var (
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
)

func (s *stmt) Close() error {
	err := s.inner.Close()
	s.c.settle(context.Background(), "", err)
	return err
}

func (s *stmt) NumInput() int { return s.inner.NumInput() }

// CheckNamedValue asks whom database/sql would have asked: the statement, the
// connection, the statement's old converter.
func (s *stmt) CheckNamedValue(nv *driver.NamedValue) error {
	var checker driver.NamedValueChecker = s.c
	if ch, ok := s.inner.(driver.NamedValueChecker); ok {
		checker = ch
	}
	err := checker.CheckNamedValue(nv)
	//lint:ignore SA1019 drivers still have it
	old, ok := s.inner.(driver.ColumnConverter)
	if err != driver.ErrSkip || !ok {
		return err
	}
	nv.Value, err = old.ColumnConverter(nv.Ordinal - 1).ConvertValue(nv.Value)
	return err
}

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	res, err := s.exec(ctx, args)
	s.c.settleExec(ctx, s.text, res, err)
	return res, err
}

func (s *stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.inner.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := plain(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the only one such a driver has
	return s.inner.Exec(values)
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	r, err := s.query(ctx, args)
	return s.c.rows(ctx, s.text, r, err)
}

func (s *stmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.inner.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := plain(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the only one such a driver has
	return s.inner.Query(values)
}

func named(args []driver.Value) []driver.NamedValue {
	nvs := make([]driver.NamedValue, len(args))
	for i, v := range args {
		nvs[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return nvs
}

// plain is for drivers from before contexts and named arguments.
func plain(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, nv := range args {
		if nv.Name != "" {
			return nil, errors.New("sqltrail: the driver does not support named arguments")
		}
		values[i] = nv.Value
	}
	return values, ctx.Err()
}
