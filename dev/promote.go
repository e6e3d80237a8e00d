package dev

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// mover is databases whose primary can move.
type mover interface {
	promote(ctx context.Context, r region.Code) error
}

// CanPromote reports whether this world's primary can move.
func (w *World) CanPromote() bool {
	_, ok := w.databases.(mover)
	return ok
}

// settleTimeout bounds how long machines and edges may take to notice a promotion.
const settleTimeout = 10 * time.Second

// Promote makes the database in r the primary, while everything goes on. The app
// is told nothing and is not started again: its machines find out what their databases
// are, and the edges keep what goes home until they know where that is. The old
// primary comes back as a replica. It returns when the edges know, and each replica what
// it follows.
//
// Processes of which none says what its database is know of the primary by
// PRIMARY_REGION alone: they are started again, region by region, with the new one. Of
// others that is done with those in the old primary's region: they have the primary for
// their own database, and would follow it to wherever it is.
func (w *World) Promote(ctx context.Context, r region.Code) error {
	if _, ok := w.places[r]; !ok {
		return fmt.Errorf("there is no region %q here", r)
	}
	databases, ok := w.databases.(mover)
	if !ok {
		return errors.New("the primary cannot move here; that of PostgreSQL can")
	}
	w.moving.Lock()
	defer w.moving.Unlock()
	if err := w.allJoined(); err != nil {
		return err
	}
	old := w.places[w.databases.home()].site
	tells := w.tells()
	// As before any maintenance: no new requests, and those under way end.
	old.offer(false)
	defer old.offer(true)
	w.drain(ctx, old)
	var paused []*runner
	if tells && w.cfg.Process != nil {
		paused = old.pause()
	}
	if err := databases.promote(ctx, r); err != nil {
		return errors.Join(err, old.resume(ctx, paused))
	}
	if !tells {
		return w.restart(ctx)
	}
	if err := old.resume(ctx, paused); err != nil {
		return fmt.Errorf("the primary has moved, but not all run: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err := until(ctx, func() bool {
		db := old.database()
		return w.fleet.Snapshot().Primary(w.cfg.Name).Region == r && (db == nil || db.State().Role == machine.Replica) && w.agree(r)
	})
	if err != nil {
		return fmt.Errorf("%s has the primary, but not all have noticed: %w", r, err)
	}
	return nil
}

// tells reports whether any machine says what its database is.
func (w *World) tells() bool {
	return slices.ContainsFunc(w.fleet.Snapshot().Machines(), func(m fleet.Machine) bool {
		return m.App == w.cfg.Name && m.Claim.Role != machine.None
	})
}

// restart starts the machines that run again, those of one region at a time.
func (w *World) restart(ctx context.Context) error {
	for _, r := range w.cfg.Regions {
		if err := w.places[r].site.restart(ctx); err != nil {
			return fmt.Errorf("the primary has moved, but not all know: %w", err)
		}
	}
	return nil
}

// agree reports whether all databases that run, but for those that are held back, are
// known to be of one history with that in r. Until they are, who has written since
// reads at home.
func (w *World) agree(r region.Code) bool {
	home := w.Database(r)
	for _, other := range w.receiving() {
		if db := w.Database(other); db != nil && (home == nil || db.State().Epoch != home.State().Epoch) {
			return false
		}
	}
	return true
}

// drainTimeout bounds how long requests under way are waited for; streams do not end.
const drainTimeout = 2 * time.Second

// drain waits until the machines of a region have nothing to do.
func (w *World) drain(ctx context.Context, s *site) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	_ = until(ctx, func() bool {
		snapshot := w.fleet.Snapshot()
		return !slices.ContainsFunc(s.machines, func(m *runner) bool {
			f, ok := snapshot.Machine(w.cfg.Name, m.id)
			return ok && f.Load() > 0
		})
	})
}
