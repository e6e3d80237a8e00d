package homingtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"homing/region"
)

// patience bounds what would otherwise hang a test.
const patience = time.Minute

// HoldReplication holds back what is replicated to a region, until it is released.
// What was written before the call can be read there, and nothing that is written
// after its return.
func (w *World) HoldReplication(r region.Code) {
	w.t.Helper()
	w.turn("hold replication to "+string(r)+" back", r, func(ctx context.Context) error {
		return errors.Join(w.settle(ctx), w.run.dev.Hold(r, true))
	})
}

// ReleaseReplication ends [World.HoldReplication]. What was held back arrives soon;
// [World.CatchUp] waits for it.
func (w *World) ReleaseReplication(r region.Code) {
	w.t.Helper()
	w.turn("release replication to "+string(r), r, func(context.Context) error { return w.run.dev.Hold(r, false) })
}

// CatchUp waits until every region can read what the primary has now. Those are left
// out whose replication is held back and whose machine is stopped.
func (w *World) CatchUp() {
	w.t.Helper()
	w.turn("catch up", "", w.run.dev.CatchUp)
}

// StopMachine stops the app and the database of a region at once, as if the machine
// had crashed: what they were doing is cut off. Its edge goes on, and brings requests
// to the machines that are left.
func (w *World) StopMachine(r region.Code) {
	w.t.Helper()
	w.turn("stop the machine in "+string(r), r, func(ctx context.Context) error { return w.run.dev.Run(ctx, r, false) })
}

// StartMachine starts the machine of a region again, with a new app and the data that
// it had. It returns when the regions have caught up, as [World.CatchUp] does, if there
// is a primary.
func (w *World) StartMachine(r region.Code) {
	w.t.Helper()
	w.turn("start the machine in "+string(r), r, func(ctx context.Context) error {
		return errors.Join(w.run.dev.Run(ctx, r, true), w.settle(ctx))
	})
}

// Promote makes the database of a region the primary, while the apps go on, and
// returns when all edges and replicas know. The old one comes back as a replica, to which
// its app's connections are dead; if its machine was stopped, what it had not replicated
// is lost. Only [Postgres] can.
func (w *World) Promote(r region.Code) {
	w.t.Helper()
	w.turn("promote the database in "+string(r), r, func(ctx context.Context) error {
		if !w.run.dev.CanPromote() {
			return errors.New("the primary of SQLite cannot move; set World.Database to homingtest.Postgres")
		}
		return w.run.dev.Promote(ctx, r)
	})
}

// SQL is the database of a region's machine, as its app has it: to look at, or to
// write to the primary past the app. It is closed when the machine is stopped.
func (w *World) SQL(r region.Code) *sql.DB {
	w.t.Helper()
	var db *sql.DB
	w.turn("open the database in "+string(r), r, func(context.Context) error {
		opened := w.run.dev.Database(r)
		if opened == nil {
			return fmt.Errorf("the machine in %s is stopped", r)
		}
		db = opened.SQL()
		return nil
	})
	return db
}

// turn does something with the world, or ends the test. An empty region is none.
func (w *World) turn(what string, r region.Code, do func(context.Context) error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if r != "" {
		err = w.has(r)
	}
	if err == nil {
		err = do(ctx)
	}
	if err != nil {
		w.fatal(what, err)
	}
}

// settle waits for the replicas, if there is a primary to follow.
func (w *World) settle(ctx context.Context) error {
	if w.run.dev.Database(w.run.dev.Primary()) == nil {
		return nil
	}
	return w.run.dev.CatchUp(ctx)
}
