package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/machine"
)

const (
	// waitVersion is the first version with WAIT FOR LSN.
	waitVersion = 190000
	// errand is how long a sentry stands for one position before it tells what it sees.
	errand = time.Second
	// late is how much longer it may take; then glances take over.
	late = 50 * time.Millisecond
)

// sentry stands at a replica until that has reached a position, where the server has
// WAIT FOR LSN, one position at a time. Its connection is its own: meanwhile the server
// can be looked at, and glanced at for those who come with an earlier position. Those
// glances also serve while it connects, and when anything goes wrong. It is used by one
// goroutine.
type sentry struct {
	conn *pgx.Conn  // nil: none yet
	back chan sight // has one at the end of each errand
	away bool       // on an errand, whose end was not heard of yet

	want  lsn       // what it stands for; 0: it does not stand
	until time.Time // when it must be back

	used   bool // since the last review
	failed bool // since the last review
}

// sight is what a sentry brings back.
type sight struct {
	conn     *pgx.Conn
	stood    bool // else it has only connected
	role     machine.Role
	at       lsn
	identity string
	err      error
}

func newSentry() *sentry { return &sentry{back: make(chan sight, 1)} }

// stands reports whether it will be back as soon as the server has reached want.
func (s *sentry) stands(want lsn) bool {
	return s.want != 0 && s.want <= want && time.Now().Before(s.until)
}

// send has it stand for a position, if it is here; without a connection it first gets
// one. ctx ends that too.
func (s *sentry) send(ctx context.Context, e *eye, want lsn) {
	if s.away || s.failed {
		return
	}
	s.away, s.used = true, true
	if s.conn == nil {
		go func() { s.back <- arrive(ctx, e) }()
		return
	}
	s.want, s.until = want, time.Now().Add(errand+late)
	go func() { s.back <- stand(ctx, s.conn, want) }()
}

func arrive(ctx context.Context, e *eye) (s sight) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if s.conn, s.err = e.connect(ctx); s.err != nil {
		s.conn = nil
	}
	return s
}

// stand waits, and then glances, in one statement of the simple protocol: what it tells
// is true at its end, however the waiting ended. No snapshot is held meanwhile.
func stand(ctx context.Context, conn *pgx.Conn, want lsn) sight {
	ctx, cancel := context.WithTimeout(ctx, errand+lookTimeout)
	defer cancel()
	s := sight{conn: conn, stood: true}
	results := conn.PgConn().Exec(ctx, fmt.Sprintf("WAIT FOR LSN '%s' WITH (TIMEOUT %d, NO_THROW); %s, %s",
		want.position(), errand.Milliseconds(), glanceSQL, identitySQL))
	for results.NextResult() {
		result := results.ResultReader()
		if len(result.FieldDescriptions()) > 1 { // else it is how the waiting ended
			s.err = s.read(pgx.RowsFromResultReader(conn.TypeMap(), result))
		}
		result.Close() // its error comes again
	}
	s.err = errors.Join(s.err, results.Close())
	return s
}

func (s *sight) read(rows pgx.Rows) error {
	defer rows.Close()
	var recovering, unsynced bool
	var place *string
	for rows.Next() {
		if err := rows.Scan(&recovering, &place, &unsynced, &s.identity, nil); err != nil {
			return err
		}
	}
	var err error
	s.role = roleOf(recovering)
	s.at, err = placeOf(place, unsynced && !recovering)
	return errors.Join(err, rows.Err())
}

// returned takes note of its return. What it brings from another server than the one
// that is looked at counts as a failure.
func (s *sentry) returned(from sight, identity string) (ok bool) {
	s.away, s.want, s.conn = false, 0, from.conn
	if from.err != nil || from.stood && from.identity != identity {
		s.failed = true
		s.drop()
	}
	return from.stood && !s.failed
}

// review lets one that failed try again, and gives back a connection that is not used:
// who is silent for long is forgotten on the way.
func (s *sentry) review() {
	if !s.away && !s.used {
		s.drop()
	}
	s.failed, s.used = false, s.away
}

// leave ends it; the context that it was sent with must have ended.
func (s *sentry) leave() {
	if s.away {
		s.conn = (<-s.back).conn
	}
	s.drop()
}

func (s *sentry) drop() {
	if s.conn != nil {
		drop(s.conn)
		s.conn = nil
	}
}
