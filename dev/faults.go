package dev

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// Run stops the machine of a region, or starts it again (on). It returns when
// that is done; a replica may need a moment longer to catch up.
func (w *World) Run(ctx context.Context, r region.Code, on bool) error {
	p, ok := w.places[r]
	if !ok {
		return fmt.Errorf("there is no region %q here", r)
	}
	if on {
		return w.startMachine(ctx, p)
	}
	return p.machine.stop()
}

func (w *World) startMachine(ctx context.Context, p *place) error {
	if err := p.machine.start(ctx); err != nil {
		return fmt.Errorf("start the machine in %s: %w", p.region, err)
	}
	return nil
}

// catchUpTimeout bounds how long a replica may take for its first copy.
const catchUpTimeout = 30 * time.Second

// receiving are the regions to which replication is not held back.
func (w *World) receiving() []region.Code {
	return slices.DeleteFunc(slices.Clone(w.cfg.Regions), w.databases.held)
}

// CatchUp waits until every region that runs can read what the primary has now,
// for at most 30 s. Those that are held back are not waited for.
func (w *World) CatchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	return w.databases.catchUp(ctx)
}
