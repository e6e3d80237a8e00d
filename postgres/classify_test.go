package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
)

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want meaning
	}{
		{"refused write", &pgconn.PgError{Code: "25006"}, readOnly},
		{"refused write, lib/pq's", &pq.Error{Code: "25006"}, readOnly},
		{"wrapped", fmt.Errorf("saving: %w", &pgconn.PgError{Code: "25006"}), readOnly},
		{"joined", errors.Join(errors.New("rollback"), &pgconn.PgError{Code: "25006"}), readOnly},
		{"after a refused write", &pgconn.PgError{Code: "25P02"}, nothing},
		{"read-write transaction on a replica", &pgconn.PgError{Code: "0A000"}, unsupported},
		{"serialization failure", &pgconn.PgError{Code: "40001"}, cancelled},
		{"deadlock", &pgconn.PgError{Code: "40P01"}, cancelled},
		{"shutdown", &pgconn.PgError{Code: "57P01"}, away},
		{"crash", &pgconn.PgError{Code: "57P02"}, away},
		{"startup", &pgconn.PgError{Code: "57P03"}, away},
		{"PgBouncer", &pgconn.PgError{Code: "08P01"}, away},
		{"broken disk", &pgconn.PgError{Code: "58030"}, away},
		{"broken data", &pgconn.PgError{Code: "XX001"}, away},
		{"cancelled by the caller", &pgconn.PgError{Code: "57014"}, nothing},
		{"unique violation", &pgconn.PgError{Code: "23505"}, nothing},
		{"syntax error", &pgconn.PgError{Code: "42601"}, nothing},
		{"internal error", &pgconn.PgError{Code: "XX000"}, nothing},
		{"a text that looks like it", errors.New("ERROR: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)"), nothing},
		{"refused connection", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, away},
		{"reset connection", fmt.Errorf("read: %w", syscall.ECONNRESET), away},
		{"closed connection", fmt.Errorf("write: %w", net.ErrClosed), away},
		{"the end", io.ErrUnexpectedEOF, away},
		{"bad connection", driver.ErrBadConn, away},
		{"timeout of connecting", fmt.Errorf("dial: %w", context.DeadlineExceeded), away},
		{"a connection that was closed before", fmt.Errorf("exec: %w", pgconn.ErrConnClosed), away},
		{"no rows", pgx.ErrNoRows, nothing},
		{"no rows, database/sql's", sql.ErrNoRows, nothing},
		{"no error", nil, nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := classify(tt.err); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}
