package relay

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

// judge knows which marks what happens at the server leaves, as package postgres does
// for what happens in its driver. self is what the server has told a connection of its
// own role. Safe for concurrent use.
type judge struct {
	role   func() machine.Role
	look   func(context.Context)
	logger *slog.Logger

	certain  atomic.Uint32 // the last role that was not None
	readOnly sync.Once     // tells of a primary that refuses writes
}

// known returns the role without I/O. A server that has just gone away has no role any
// more; what is lost with it was lost by what it was before.
func (j *judge) known(self machine.Role) machine.Role {
	if j.role != nil {
		if now := j.role(); now != machine.None {
			j.certain.Store(uint32(now))
			return now
		}
	}
	if before := machine.Role(j.certain.Load()); before != machine.None {
		return before
	}
	return self
}

// looked returns the role after a look, where somebody looks.
func (j *judge) looked(ctx context.Context, self machine.Role) machine.Role {
	if j.look != nil {
		j.look(ctx)
	}
	return j.known(self)
}

// found returns the role as it is known, else after a look.
func (j *judge) found(ctx context.Context, self machine.Role) machine.Role {
	if role := j.known(self); role != machine.None {
		return role
	}
	return j.looked(ctx, self)
}

// failed returns the mark of a statement's error.
func (j *judge) failed(ctx context.Context, code string, self machine.Role) trail.Mark {
	switch what := meaning.OfState(code); {
	case what == meaning.Away && j.known(self) == machine.Primary:
		j.looked(ctx, self)
		return trail.Lost
	case what == meaning.Away, what == meaning.Cancelled && j.found(ctx, self) != machine.Primary:
		return trail.Conflict
	case what == meaning.ReadOnly:
		return j.refused(ctx, self)
	case what == meaning.Unsupported && j.found(ctx, self) != machine.Primary:
		return trail.Refused // at the worst for one journey too many
	}
	return 0
}

// refused returns the mark of a write that was refused. A primary that is set to
// read-only would refuse it again.
func (j *judge) refused(ctx context.Context, self machine.Role) trail.Mark {
	if j.known(self) == machine.Replica || j.looked(ctx, self) != machine.Primary {
		return trail.Refused
	}
	j.readOnly.Do(func() {
		j.logger.Warn("relay: a write was refused by a server that is no replica; its request is not to be sent home. " +
			"Either its transaction is read-only or default_transaction_read_only is on")
	})
	return 0
}

// unreached returns the mark of a connection that could not be had. On a replica that
// is reason enough to go home, whatever it was; on a primary only if it is none any more.
func (j *judge) unreached(ctx context.Context, code string, self machine.Role) trail.Mark {
	switch {
	case j.known(self) != machine.Primary:
		return trail.Conflict
	case meaning.OfState(code) == meaning.Away:
		return j.gone(ctx, self)
	}
	return 0
}

// gone returns the mark of what a primary was sent nothing of: another may take its
// place. One that is still there has had a bad moment, which is the app's to see.
func (j *judge) gone(ctx context.Context, self machine.Role) trail.Mark {
	away := func() bool { return j.role != nil && j.role() == machine.None }
	if away() || j.looked(ctx, self) != machine.Primary || away() {
		return trail.Conflict
	}
	return 0
}

// did returns the mark of a statement that succeeded. That of a transaction counts
// before the commit: what is answered meanwhile must not pass for a read.
func (j *judge) did(ctx context.Context, e meaning.Effect, self machine.Role) trail.Mark {
	if e == meaning.Changed || e == meaning.Perhaps && j.found(ctx, self) != machine.Replica {
		return trail.Wrote
	}
	return 0
}
