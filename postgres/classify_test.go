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

	"homing/postgres/meaning"
)

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want meaning.Failure
	}{
		{"refused write", &pgconn.PgError{Code: "25006"}, meaning.ReadOnly},
		{"refused write, lib/pq's", &pq.Error{Code: "25006"}, meaning.ReadOnly},
		{"wrapped", fmt.Errorf("saving: %w", &pgconn.PgError{Code: "25006"}), meaning.ReadOnly},
		{"joined", errors.Join(errors.New("rollback"), &pgconn.PgError{Code: "25006"}), meaning.ReadOnly},
		{"after a refused write", &pgconn.PgError{Code: "25P02"}, meaning.Nothing},
		{"read-write transaction on a replica", &pgconn.PgError{Code: "0A000"}, meaning.Unsupported},
		{"serialization failure", &pgconn.PgError{Code: "40001"}, meaning.Cancelled},
		{"deadlock", &pgconn.PgError{Code: "40P01"}, meaning.Cancelled},
		{"shutdown", &pgconn.PgError{Code: "57P01"}, meaning.Away},
		{"crash", &pgconn.PgError{Code: "57P02"}, meaning.Away},
		{"startup", &pgconn.PgError{Code: "57P03"}, meaning.Away},
		{"PgBouncer", &pgconn.PgError{Code: "08P01"}, meaning.Away},
		{"broken disk", &pgconn.PgError{Code: "58030"}, meaning.Away},
		{"broken data", &pgconn.PgError{Code: "XX001"}, meaning.Away},
		{"cancelled by the caller", &pgconn.PgError{Code: "57014"}, meaning.Nothing},
		{"unique violation", &pgconn.PgError{Code: "23505"}, meaning.Nothing},
		{"syntax error", &pgconn.PgError{Code: "42601"}, meaning.Nothing},
		{"internal error", &pgconn.PgError{Code: "XX000"}, meaning.Nothing},
		{"a text that looks like it", errors.New("ERROR: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)"), meaning.Nothing},
		{"refused connection", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, meaning.Away},
		{"reset connection", fmt.Errorf("read: %w", syscall.ECONNRESET), meaning.Away},
		{"closed connection", fmt.Errorf("write: %w", net.ErrClosed), meaning.Away},
		{"the end", io.ErrUnexpectedEOF, meaning.Away},
		{"bad connection", driver.ErrBadConn, meaning.Away},
		{"timeout of connecting", fmt.Errorf("dial: %w", context.DeadlineExceeded), meaning.Away},
		{"a connection that was closed before", fmt.Errorf("exec: %w", pgconn.ErrConnClosed), meaning.Away},
		{"no rows", pgx.ErrNoRows, meaning.Nothing},
		{"no rows, database/sql's", sql.ErrNoRows, meaning.Nothing},
		{"no error", nil, meaning.Nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := classify(tt.err); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}
