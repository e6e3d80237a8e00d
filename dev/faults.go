package dev

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"homing/machine"
	"homing/region"
)

// Hold holds replication to a region back (on) or lets it go on. When it returns,
// nothing that is written from then on reaches the region.
func (w *World) Hold(r region.Code, on bool) error {
	if _, ok := w.places[r]; !ok {
		return fmt.Errorf("there is no region %q here", r)
	}
	return w.databases.hold(r, on)
}

// Run stops the machines of a region and its database, or starts them again (on). It
// returns when that is done, and processes listen; a replica may need a moment longer
// to catch up. A process that does not come up is an error, and goes on trying.
func (w *World) Run(ctx context.Context, r region.Code, on bool) error {
	p, ok := w.places[r]
	switch {
	case !ok:
		return fmt.Errorf("there is no region %q here", r)
	case len(p.site.machines) == 0:
		return fmt.Errorf("there is no machine in %s", r)
	case on:
		return p.site.start(ctx)
	}
	return p.site.stop()
}

// RunMachine stops one machine of a region, or starts it again (on), as Run does for
// all of them. The region's database goes on.
func (w *World) RunMachine(ctx context.Context, r region.Code, id machine.ID, on bool) error {
	p, ok := w.places[r]
	if !ok {
		return fmt.Errorf("there is no region %q here", r)
	}
	for _, m := range p.site.machines {
		if m.id == id && on {
			return p.site.startMachine(ctx, m)
		}
		if m.id == id {
			p.site.stopMachine(m)
			return nil
		}
	}
	return fmt.Errorf("there is no machine %.80q in %s", id, r)
}

// startMachines starts those of all regions one after the other, since an app's
// function may not expect to be called by many, and waits for all at once.
func (w *World) startMachines(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Patience)
	defer cancel()
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	for _, r := range w.cfg.Regions {
		if err := w.places[r].site.launch(ctx); err != nil {
			return err
		}
	}
	var wait sync.WaitGroup
	var first error
	var once sync.Once
	for _, p := range w.places {
		wait.Go(func() {
			if err := p.site.await(ctx, p.site.machines); err != nil {
				once.Do(func() { first = err })
				failed(err) // the others need not be waited for
			}
		})
	}
	wait.Wait()
	if first != nil {
		return first
	}
	return w.startWorkers()
}

// catchUpTimeout bounds how long a replica may take for its first copy.
const catchUpTimeout = 30 * time.Second

// receiving are the regions that hear of what is written: replication to them is
// neither held back nor cut.
func (w *World) receiving() []region.Code {
	home := w.databases.home()
	return slices.DeleteFunc(slices.Clone(w.cfg.Regions), func(r region.Code) bool {
		return w.databases.held(r) || w.parted(home, r)
	})
}

// CatchUp waits until every region that runs can read what the primary has now,
// for at most 30 s. Those that are held back or cut off are not waited for.
func (w *World) CatchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	return w.databases.catchUp(ctx)
}
