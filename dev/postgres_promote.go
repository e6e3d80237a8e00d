package dev

import (
	"context"
	"errors"
	"fmt"
	"time"

	"homing/postgres/pgtest"
	"homing/region"
)

// promote makes the server in r the primary. Where the old one runs, nothing that was
// committed is lost: it ends only when r has everything. What a stopped one had not
// sent is lost, as after a failure.
func (c *cluster) promote(ctx context.Context, r region.Code) error {
	c.change.Lock()
	defer c.change.Unlock()
	next, old := c.servers[r], c.pg.Primary()
	switch {
	case next == old:
		return fmt.Errorf("%s has the primary already", r)
	case !next.Running():
		return fmt.Errorf("the machine in %s is stopped; start it first", r)
	case c.held(r):
		return fmt.Errorf("replication to %s is held back, so that it may lack what was written; release it first", r)
	}
	ran := old.Running()
	if ran {
		if err := c.handOver(ctx, old, next); err != nil {
			return errors.Join(err, revive(ctx, old))
		}
	}
	if err := next.Promote(ctx); err != nil {
		return errors.Join(err, revive(ctx, old))
	}
	c.putApart()
	err := c.regroup(ctx, old)
	c.outdated[c.regionOf(old)] = true
	if ran {
		if failed := old.Rebuild(ctx, next); failed != nil {
			err = errors.Join(err, failed)
		} else {
			delete(c.outdated, c.regionOf(old))
		}
	}
	if err != nil {
		return err // who does not follow would be waited for
	}
	return c.renew(ctx)
}

func (c *cluster) regionOf(s *pgtest.Server) region.Code {
	for r, other := range c.servers {
		if other == s {
			return r
		}
	}
	return "" // cannot be: servers has all
}

// handOver ends the old primary. The other replicas follow the next one before that,
// as it still follows: else the old one would wait for those, too, that are held back.
func (c *cluster) handOver(ctx context.Context, old, next *pgtest.Server) error {
	for _, s := range c.servers {
		if s == old || s == next {
			continue
		}
		if err := s.Follow(ctx, next); err != nil {
			return err
		}
	}
	return old.Stop(ctx, pgtest.Fast)
}

// revive starts a primary again that nobody has replaced.
func revive(ctx context.Context, old *pgtest.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := old.Stop(ctx, pgtest.Kill); err != nil { // it may be half way down
		return err
	}
	return old.Start(ctx)
}

// followTimeout bounds how long a replica may take to follow the new primary, before
// it is taken for one that has more than that.
const followTimeout = 5 * time.Second

// regroup has the other replicas follow the new primary.
func (c *cluster) regroup(ctx context.Context, old *pgtest.Server) error {
	var errs []error
	next := c.pg.Primary()
	for r, s := range c.servers {
		switch {
		case s == old || s == next:
		case !s.Running():
			c.outdated[r] = true
		default:
			errs = append(errs, follow(ctx, s, next))
		}
	}
	return errors.Join(errs...)
}

func follow(ctx context.Context, s, next *pgtest.Server) error {
	soon, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	if s.Follow(soon, next) == nil {
		return nil
	}
	return s.Rebuild(ctx, next)
}

// renew has each replica note the new line of history where its app's machine looks
// for it. It would come to that by itself, at a checkpoint within minutes, and until
// then send those home who have written since.
func (c *cluster) renew(ctx context.Context) error {
	next := c.pg.Primary()
	if err := next.Exec(ctx, "checkpoint"); err != nil {
		return err
	}
	var ready []*pgtest.Server
	for r, s := range c.servers {
		if s != next && s.Running() && !c.held(r) {
			ready = append(ready, s)
		}
	}
	if err := c.survey.reached(ctx, ready); err != nil {
		return err
	}
	var errs []error
	for _, s := range ready {
		errs = append(errs, s.Exec(ctx, "checkpoint"))
	}
	return errors.Join(errs...)
}
