package postgres

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

// marker knows which marks what happens at one server leaves on a request's trail.
// Its methods may be called from any goroutine.
type marker struct {
	// role is what the last look at the server said, None if it said nothing. It is
	// asked at each statement and does no I/O.
	role func() machine.Role

	// inRecovery asks the server now whether it is a replica: in bounded time, on a
	// connection that is not traced and not one of those the app waits for.
	inRecovery func(context.Context) (bool, error)

	// doubt has the server looked at, and returns when role says what was found; nil
	// where nobody looks.
	doubt func(context.Context)

	logger *slog.Logger

	certain  atomic.Uint32 // the last role that was not None
	readOnly sync.Once     // tells of a primary that refuses writes
}

// known returns the role without I/O. A server that has just gone away has no role
// any more; what is lost with it was lost by what it was before.
func (m *marker) known() machine.Role {
	now, before := uint32(m.role()), m.certain.Load()
	if now == uint32(machine.None) {
		return machine.Role(before)
	}
	if now != before {
		m.certain.Store(now)
	}
	return machine.Role(now)
}

// asked returns the role that the server says it has now; None if it does not say.
func (m *marker) asked(ctx context.Context) machine.Role {
	switch replica, err := m.inRecovery(ctx); {
	case err != nil:
		return machine.None
	case replica:
		return machine.Replica
	}
	return machine.Primary
}

// found returns the role as it is known, else as the server says.
func (m *marker) found(ctx context.Context) machine.Role {
	if role := m.known(); role != machine.None {
		return role
	}
	return m.asked(ctx)
}

// failed leaves the mark of a statement's error, if it has one.
func (m *marker) failed(ctx context.Context, err error) {
	if trail.From(ctx) != nil {
		trail.Leave(ctx, m.markOf(ctx, err))
	}
}

func (m *marker) markOf(ctx context.Context, err error) trail.Mark {
	switch what := classify(err); {
	case what == meaning.Away:
		return m.lost(ctx, err)
	case what == meaning.Cancelled && m.found(ctx) != machine.Primary:
		return trail.Conflict
	case trail.Tolerates(ctx): // nobody is sent home, so nobody needs to be asked
		return 0
	case what == meaning.ReadOnly:
		return m.refused(ctx)
	case what == meaning.Unsupported && m.found(ctx) != machine.Primary:
		return trail.Refused // at the worst for one journey too many
	}
	return 0
}

// refused returns the mark of a write that was refused. A primary refuses writes too,
// where the database or the transaction is set to read-only: to send the request to
// it would not help, and to send it from there to itself would never end.
func (m *marker) refused(ctx context.Context) trail.Mark {
	known := m.known()
	if known == machine.Replica {
		return trail.Refused
	}
	switch m.asked(ctx) {
	case machine.Primary:
		m.readOnly.Do(func() {
			m.logger.Warn("postgres: a write was refused by a server that is no replica; its request is not sent home. " +
				"Either its transaction is read-only or default_transaction_read_only is on")
		})
		return 0
	case machine.None:
		if known == machine.Primary {
			return 0
		}
	}
	return trail.Refused
}

// lost returns the mark of a statement that the server did not answer. What was lost
// on a replica has changed nothing and can be done elsewhere. On a primary it may
// have been done, and must not be done twice.
func (m *marker) lost(ctx context.Context, err error) trail.Mark {
	switch {
	case m.known() == machine.Primary && isUnsent(err):
		return m.gone(ctx)
	case m.known() == machine.Primary:
		m.reconsider(ctx)
		return trail.Lost
	case ctx.Err() != nil && sqlState(err) == "":
		return 0 // the caller has given up
	}
	return trail.Conflict
}

// reconsider has the server looked at again.
func (m *marker) reconsider(ctx context.Context) {
	if m.doubt != nil {
		m.doubt(ctx)
	}
}

// gone returns the mark of a request that a primary was sent nothing of: another may
// take its place. One that is still there has had a bad moment, which is the app's to
// see.
func (m *marker) gone(ctx context.Context) trail.Mark {
	m.reconsider(ctx)
	if m.role() == machine.Primary {
		return 0
	}
	return trail.Conflict
}

// unreached leaves the mark of a connection that could not be had, for whatever
// reason but the caller's: a request that did nothing here can do it at home.
func (m *marker) unreached(ctx context.Context, err error) {
	switch {
	case err == nil || ctx.Err() != nil || trail.From(ctx) == nil:
	case m.known() != machine.Primary:
		trail.Leave(ctx, trail.Conflict)
	case classify(err) == meaning.Away:
		trail.Leave(ctx, m.gone(ctx))
	}
}

// did leaves the mark of a statement that succeeded. That of a transaction counts
// before the commit: what was answered meanwhile must not pass for a read.
func (m *marker) did(ctx context.Context, e meaning.Effect) {
	if trail.From(ctx) != nil {
		trail.Leave(ctx, m.markOfEffect(ctx, e))
	}
}

func (m *marker) markOfEffect(ctx context.Context, e meaning.Effect) trail.Mark {
	if e == meaning.Changed || e == meaning.Perhaps && m.found(ctx) != machine.Replica {
		return trail.Wrote
	}
	return 0
}
