package dev

import (
	"context"
	"time"

	"homing/health"
	"homing/machine"
	"homing/region"
)

// Outside is a machine whose app runs already, whoever started it.
type Outside struct {
	Region region.Code
	ID     machine.ID // empty: any
	Addr   string     // host:port of its HTTP server
}

// outside serves by an app that somebody else runs: it is given requests while it can
// be reached, and passes the checks.
type outside struct {
	addr string
	quit func()
}

// reachable is asked of a machine that has no checks.
var reachable = []health.Check{{Interval: time.Second}}

func (o *outside) start(m *runner) error {
	m.moveTo(o.addr)
	m.set(vital{on: true, coming: true})
	checks := m.site.world.cfg.Checks
	if len(checks) == 0 {
		checks = reachable
	}
	o.quit = watch(context.Background(), m, o.addr, checks)
	return nil
}

// firstCheck is how long the first check of what runs already is waited for.
const firstCheck = 5 * time.Second

// up waits until it is known whether the machine is there. It need not be: who runs it
// may start it later.
func (o *outside) up(ctx context.Context, m *runner) error {
	ctx, cancel := context.WithTimeout(ctx, firstCheck)
	defer cancel()
	_ = m.settles(ctx)
	return nil
}

func (o *outside) end() { o.quit() }
