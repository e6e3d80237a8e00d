package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"sync"
	"time"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
	"homing/trail/sqltrail"
)

// Wrap makes any driver of database/sql for PostgreSQL leave marks on the trail of
// the request that its calls are made for:
//
//	db := sql.OpenDB(postgres.Wrap(connector))
//
// The driver's errors must have a method SQLState() string, as lib/pq's have. Where
// an error or a statement does not say whether the server is a replica, it is asked:
// on a connection of its own, for a second at most, once a second at most.
//
// Such a driver tells neither of commits nor of what its queries did, so that their
// text is looked at: a change is INSERT, UPDATE, DELETE or MERGE that affected a row
// or returned any, a WITH that mentions one of them, and every statement that is not
// known to be harmless, on a server that is not a replica. A SELECT INTO and a
// function that writes, called by SELECT, are missed. Requests that write by their
// method or route are known anyway.
//
// Missed too are calls without a request's context outside of a transaction, and
// errors of a connection that was opened for whoever comes next, which database/sql
// does where SetMaxOpenConns is reached.
func Wrap(inner driver.Connector) driver.Connector {
	w := wrapped{&marker{
		role:       func() machine.Role { return machine.None },
		inRecovery: (&question{to: asking{inner}}).ask,
		logger:     slog.Default(),
	}}
	return sqltrail.Wrap(inner, sqltrail.Hooks{Failed: w.failed, Ran: w.ran})
}

// wrapped has sqltrail's hooks for a server of which nothing is known.
type wrapped struct{ marker *marker }

// failed also sees to it that nothing runs twice: what was lost may have been done,
// unless it reads or the server says that it is a replica.
func (w wrapped) failed(ctx context.Context, query string, err error) trail.Mark {
	if classify(err) == meaning.Away && meaning.OfText(query) != meaning.Unchanged && w.marker.found(ctx) != machine.Replica {
		return trail.Wrote
	}
	return w.marker.markOf(ctx, err)
}

func (w wrapped) ran(ctx context.Context, query string, affected int64) trail.Mark {
	done := meaning.OfText(query)
	if done == meaning.Changed && affected == 0 && !meaning.IsSeveral(query) { // of several it is the last one's
		done = meaning.Unchanged
	}
	return w.marker.markOfEffect(ctx, done)
}

const (
	askLimit   = time.Second
	askedAgain = time.Second // after which an answer is no longer believed
)

// question asks a server whether it is a replica, and keeps the answer, or that there
// was none, for a while. Those who ask at the same time get the same answer.
type question struct {
	to driver.Connector

	mu      sync.Mutex // held while it is asked
	at      time.Time
	replica bool
	err     error
}

// ask does not end with the request that it is asked for: others wait for it too.
func (q *question) ask(context.Context) (replica bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at.IsZero() || time.Since(q.at) > askedAgain {
		q.replica, q.err = askRecovery(q.to)
		q.at = time.Now()
	}
	return q.replica, q.err
}

func askRecovery(to driver.Connector) (replica bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	db := sql.OpenDB(to)
	defer db.Close()
	err = db.QueryRowContext(ctx, "select pg_is_in_recovery()").Scan(&replica)
	return replica, err
}

// asking hides the connector's Close from the [sql.DB] that only asks through it.
type asking struct{ driver.Connector }
