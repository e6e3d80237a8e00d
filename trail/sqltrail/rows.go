package sqltrail

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// rows wraps a result. An "INSERT … RETURNING" commits, or is refused, only while
// it is read or closed.
type rows struct {
	driver.Rows
	ctx   context.Context
	c     *conn
	query string
	ran   bool // Ran was asked, or there was an error
}

var (
	_ driver.RowsNextResultSet              = (*rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*rows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rows)(nil)
	_ driver.RowsColumnTypeNullable         = (*rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rows)(nil)
)

// rows settles the query that returned r and err, and wraps r.
func (c *conn) rows(ctx context.Context, query string, r driver.Rows, err error) (driver.Rows, error) {
	c.settle(ctx, query, err)
	if err != nil {
		return nil, err
	}
	return &rows{Rows: r, ctx: ctx, c: c, query: query}, nil
}

// settle is conn's for a step of reading; io.EOF is none of its errors.
func (r *rows) settle(err error) {
	if err == io.EOF {
		err = nil
	}
	r.c.settle(r.ctx, r.query, err)
	if err == nil && !r.ran {
		r.c.hooks.ran(r.c.request(r.ctx), r.query, -1)
	}
	r.ran = true
}

func (r *rows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	r.settle(err)
	return err
}

func (r *rows) Close() error {
	err := r.Rows.Close()
	r.settle(err)
	return err
}

func (r *rows) HasNextResultSet() bool {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

func (r *rows) NextResultSet() error {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	err := n.NextResultSet()
	r.settle(err)
	return err
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r *rows) ColumnTypeLength(i int) (int64, bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeLength); ok {
		return t.ColumnTypeLength(i)
	}
	return 0, false
}

func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
		return t.ColumnTypeNullable(i)
	}
	return false, false
}

func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypePrecisionScale); ok {
		return t.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
