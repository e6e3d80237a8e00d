package homing

import (
	"context"
	"errors"
	"time"

	"homing/machine"
)

// WhilePrimary calls run where the primary is, and cancels its context when the
// primary moves away; where it moves to, run is called then. It is for workers that
// write, for cron jobs and the like:
//
//	err := site.WhilePrimary(ctx, func(ctx context.Context) error { return work(ctx, db) })
//
// It returns nil when ctx has ended, and what run returned when run ends although the
// primary is still here. An error by which run ends within a few seconds before the
// primary is gone counts as part of that: run is called again where the primary comes
// up. Run is always waited for. Without regions this is run(ctx).
//
// Every machine of the primary's region calls run. For a moment after a promotion it
// may run in both regions: what keeps the old primary from writing is the database.
func (s *Site) WhilePrimary(ctx context.Context, run func(context.Context) error) error {
	if s.off() {
		return run(ctx)
	}
	for s.untilPrimary(ctx) {
		s.cfg.Logger.Info("homing: the primary is here, so its work begins here")
		if here, err := s.whileHere(ctx, run); here {
			return err
		}
		s.cfg.Logger.Info("homing: the primary is here no more, and its work here has ended")
	}
	return nil
}

// isPrimary reports whether the database here is known to be the primary. One that
// cannot be reached is not: unlike a request, work can wait.
func (s *Site) isPrimary() bool {
	if db := s.cfg.Database; db != nil && db.State().Role != machine.Primary {
		return false
	}
	st, _ := s.state(s.lastTold())
	return st.Role == machine.Primary
}

// untilPrimary waits until the primary is here; false: ctx ended before.
func (s *Site) untilPrimary(ctx context.Context) bool {
	for !s.isPrimary() {
		if pause(ctx, roleInterval) != nil {
			return false
		}
	}
	return ctx.Err() == nil
}

// whileHere calls run until it returns, ctx ends or the primary has gone. here says
// that the primary had not gone.
func (s *Site) whileHere(ctx context.Context, run func(context.Context) error) (here bool, err error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = run(inner)
	}()
	tick := time.NewTicker(roleInterval)
	defer tick.Stop()
	for s.isPrimary() {
		select {
		case <-done:
			return s.outlasts(ctx, err)
		case <-ctx.Done():
			<-done
			return s.outlasts(ctx, err)
		case <-tick.C:
		}
	}
	cancel()
	<-done
	return false, err
}

// goneWithin is how long after its last sign of life a primary may still count as
// here: a look, and its time-out.
const goneWithin = 5 * time.Second

// outlasts reports whether the primary is still here some time after run has failed;
// workers are often the first to see it go.
func (s *Site) outlasts(ctx context.Context, failed error) (bool, error) {
	if ended := ctx.Err(); ended != nil && errors.Is(failed, ended) {
		return true, nil
	}
	for until := time.Now().Add(goneWithin); failed != nil && time.Now().Before(until); {
		if !s.isPrimary() {
			return false, failed
		}
		if pause(ctx, roleInterval) != nil {
			break
		}
	}
	return true, failed
}
