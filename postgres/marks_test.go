package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

var errNoAnswer = errors.New("no answer")

// server is what a marker asks.
type server struct {
	role    machine.Role // as last seen
	replica bool         // as it is
	err     error
	asked   int
	log     strings.Builder
}

func (s *server) marker() *marker {
	return &marker{
		role: func() machine.Role { return s.role },
		inRecovery: func(context.Context) (bool, error) {
			s.asked++
			return s.replica, s.err
		},
		logger: slog.New(slog.NewTextHandler(&s.log, nil)),
	}
}

// TestMarksOfErrors: what an error means depends on what the server is.
func TestMarksOfErrors(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	state := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, tt := range []struct {
		name  string
		s     server
		err   error
		want  string
		asked int
	}{
		{"refused by a replica", server{role: machine.Replica}, state("25006"), "refused ", 0},
		{"refused by a read-only primary", server{role: machine.Primary}, state("25006"), "", 1},
		{"refused by a primary of before", server{role: machine.Primary, replica: true}, state("25006"), "refused ", 1},
		{"refused by a primary that does not answer", server{role: machine.Primary, err: errNoAnswer}, state("25006"), "", 1},
		{"refused by an unknown replica", server{replica: true}, state("25006"), "refused ", 1},
		{"refused by an unknown primary", server{}, state("25006"), "", 1},
		{"refused by nobody knows whom", server{err: errNoAnswer}, state("25006"), "refused ", 1},

		{"unsupported by a replica", server{role: machine.Replica}, state("0A000"), "refused ", 0},
		{"unsupported by a primary", server{role: machine.Primary}, state("0A000"), "", 0},
		{"unsupported by an unknown primary", server{}, state("0A000"), "", 1},

		{"cancelled by a replica", server{role: machine.Replica}, state("40001"), "conflict ", 0},
		{"deadlock on a replica", server{role: machine.Replica}, state("40P01"), "conflict ", 0},
		{"serialization failure on a primary", server{role: machine.Primary}, state("40001"), "", 0},
		{"cancelled by an unknown replica", server{replica: true}, state("40001"), "conflict ", 1},
		{"serialization failure on an unknown primary", server{}, state("40001"), "", 1},

		{"a replica shuts down", server{role: machine.Replica}, state("57P01"), "conflict ", 0},
		{"a primary shuts down: who knows what it did", server{role: machine.Primary}, state("57P01"), "lost ", 0},
		{"an unknown server shuts down", server{}, state("57P01"), "conflict ", 0},
		{"a replica is lost", server{role: machine.Replica}, io.ErrUnexpectedEOF, "conflict ", 0},
		{"a primary is lost", server{role: machine.Primary}, io.ErrUnexpectedEOF, "lost ", 0},
		{"a primary is lost before it was asked", server{role: machine.Primary}, driver.ErrBadConn, "", 0},
		{"the app's own mistake", server{role: machine.Replica}, state("42601"), "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, tr := trail.Start(t.Context())
			tt.s.marker().failed(ctx, tt.err)
			wantMarks(t, tr, tt.want)
			if tt.s.asked != tt.asked {
				t.Errorf("the server was asked %d times, want %d", tt.s.asked, tt.asked)
			}
			ctx, tr = trail.Start(gone)
			tt.s.marker().failed(ctx, context.Canceled)
			if tt.s.role != machine.Primary {
				wantMarks(t, tr, "") // the caller has gone
			}
		})
	}
}

func TestWithoutARequestNobodyIsAsked(t *testing.T) {
	var s server
	s.marker().failed(t.Context(), &pgconn.PgError{Code: "25006"})
	s.marker().did(t.Context(), meaning.Perhaps)
	if s.asked > 0 {
		t.Error("the server was asked")
	}
}

func TestAReadOnlyPrimaryIsToldOfOnce(t *testing.T) {
	var s server
	m := s.marker()
	ctx, _ := trail.Start(t.Context())
	for range 3 {
		m.failed(ctx, &pgconn.PgError{Code: "25006"})
	}
	if n := strings.Count(s.log.String(), "\n"); n != 1 {
		t.Errorf("%d lines: %s", n, s.log.String())
	}
}

// TestWhatWasKnownCounts: a server that has gone away has no role.
func TestWhatWasKnownCounts(t *testing.T) {
	for role, want := range map[machine.Role]string{machine.Primary: "lost ", machine.Replica: "conflict ", machine.None: "conflict "} {
		s := server{role: role}
		m := s.marker()
		m.known()
		s.role = machine.None
		ctx, tr := trail.Start(t.Context())
		m.failed(ctx, io.ErrUnexpectedEOF)
		wantMarks(t, tr, want)
	}
}

func TestMarksOfEffects(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    server
		done meaning.Effect
		want string
	}{
		{"a primary changes data", server{role: machine.Primary}, meaning.Changed, "wrote "},
		{"a replica that was promoted changes data", server{role: machine.Replica}, meaning.Changed, "wrote "},
		{"an unknown server changes data", server{}, meaning.Changed, "wrote "},
		{"a primary may change data", server{role: machine.Primary}, meaning.Perhaps, "wrote "},
		{"a replica cannot change data", server{role: machine.Replica}, meaning.Perhaps, ""},
		{"an unknown primary may change data", server{}, meaning.Perhaps, "wrote "},
		{"an unknown replica cannot change data", server{replica: true}, meaning.Perhaps, ""},
		{"who does not answer may change data", server{err: errNoAnswer}, meaning.Perhaps, "wrote "},
		{"a primary reads", server{role: machine.Primary}, meaning.Unchanged, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, tr := trail.Start(t.Context())
			tt.s.marker().did(ctx, tt.done)
			wantMarks(t, tr, tt.want)
		})
	}
}

func TestConnectionsThatCannotBeHad(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		role machine.Role
		ctx  context.Context
		err  error
		want string
	}{
		{"to a replica", machine.Replica, t.Context(), errNoAnswer, "conflict "},
		{"to an unknown server", machine.None, t.Context(), errNoAnswer, "conflict "},
		{"to a primary", machine.Primary, t.Context(), errNoAnswer, ""},
		{"because the caller has gone", machine.Replica, gone, context.Canceled, ""},
		{"are none of those that can", machine.Replica, t.Context(), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, tr := trail.Start(tt.ctx)
			(&server{role: tt.role}).marker().unreached(ctx, tt.err)
			wantMarks(t, tr, tt.want)
		})
	}
}
