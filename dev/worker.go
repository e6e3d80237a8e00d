package dev

import (
	"context"
	"fmt"
	"sync"

	"homing/supervise"
)

// Worker is a process group that takes no requests.
type Worker struct {
	Group string
	// Process says how it is run, given the machine in the primary's region on which
	// it is started.
	Process func(Machine) (supervise.Config, error)
}

// worker is one that runs. It is not moved with the primary: what it knows of that is
// its own matter.
type worker struct {
	stop    context.CancelFunc
	running sync.WaitGroup
}

func (w *World) startWorkers() error {
	home := w.places[w.databases.home()].site
	for _, wk := range w.cfg.Workers {
		cfg, err := wk.Process(home.machine(newID(), 0, wk.Group, 0))
		if err != nil {
			return err
		}
		p, err := supervise.New(cfg)
		if err != nil {
			return fmt.Errorf("start %s: %w", wk.Group, plainly(err))
		}
		ctx, stop := context.WithCancel(context.Background())
		running := &worker{stop: stop}
		running.running.Go(func() {
			if err := p.Run(ctx); err != nil {
				w.cfg.Logger.Error("a process group cannot be started", "group", wk.Group, "error", plainly(err))
			}
		})
		w.workers = append(w.workers, running)
	}
	return nil
}

func (w *World) stopWorkers() {
	for _, wk := range w.workers {
		wk.stop()
	}
	for _, wk := range w.workers {
		wk.running.Wait()
	}
}
