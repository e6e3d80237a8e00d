package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// meaning is what an error may say about the server that a request was answered by.
type meaning uint8

const (
	nothing meaning = iota
	// readOnly: a write was refused, by a replica or in a read-only transaction.
	readOnly
	// unsupported: among much else, a transaction that a replica refuses to begin,
	// because it may write or is serializable.
	unsupported
	// cancelled: a serialization failure or a deadlock. On a replica, where neither
	// can happen by itself, replication is what it collided with.
	cancelled
	// away: the server cannot serve this, or nobody knows what became of it.
	away
)

// classify goes by the SQLSTATE where there is one, never by the text, which is
// translated and changes.
func classify(err error) meaning {
	if state := sqlState(err); state != "" {
		return classifyState(state)
	}
	if isLoss(err) {
		return away
	}
	return nothing
}

// sqlState returns the error's SQLSTATE, or nothing. pgx and lib/pq have this method.
func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// See PostgreSQL's documentation, appendix A. 25P02 says that an earlier error was
// left unheeded, which has left its mark. 57014 is the caller's own doing.
func classifyState(state string) meaning {
	switch state {
	case "25006": // read_only_sql_transaction
		return readOnly
	case "0A000": // feature_not_supported
		return unsupported
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return cancelled
	case "XX001", "XX002": // data_corrupted, index_corrupted: of this copy
		return away
	}
	// Connection exceptions (also all that PgBouncer says), shutdown and startup,
	// errors of the disk below.
	for _, class := range []string{"08", "57P", "58"} {
		if strings.HasPrefix(state, class) {
			return away
		}
	}
	return nothing
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
