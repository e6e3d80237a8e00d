package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"homing/postgres/meaning"
)

// classify goes by the SQLSTATE where there is one, never by the text, which is
// translated and changes.
func classify(err error) meaning.Failure {
	if state := sqlState(err); state != "" {
		return meaning.OfState(state)
	}
	if isLoss(err) {
		return meaning.Away
	}
	return meaning.Nothing
}

// sqlState returns the error's SQLSTATE, or nothing. pgx and lib/pq have this method.
func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// isLoss reports whether the connection broke, or the caller gave up on it.
func isLoss(err error) bool {
	for _, loss := range []error{
		context.Canceled, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, pgconn.ErrConnClosed,
	} {
		if errors.Is(err, loss) {
			return true
		}
	}
	var network net.Error // context.DeadlineExceeded is one
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect)
}

// isUnsent reports whether the server has certainly not seen the statement.
func isUnsent(err error) bool {
	var connect *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.As(err, &connect) || pgconn.SafeToRetry(err)
}
