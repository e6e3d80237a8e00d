package dev

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"sync"

	"homing/fleet"
	"homing/machine"
	"homing/primary"
)

// runner is one machine of the app. It can be stopped and started.
type runner struct {
	site    *site
	id      machine.ID
	number  int // of the region's, from 1
	serving serving

	mu       sync.Mutex // guards what follows, and that the fleet agrees with it
	addr     string     // where it is served, or was last
	now      vital
	claim    primary.Claim // of its database, as far as we know better than to ask
	withheld bool          // it gets no requests, however it is
	checks   []CheckStatus // that are shown
	changed  chan struct{} // closed and made anew when now changes
}

// vital is how a machine is.
type vital struct {
	on      bool   // it is to run
	ready   bool   // it can take requests
	coming  bool   // it may be ready soon, and is worth waiting for
	problem string // why it is not ready, or may not be for long
}

// serving is what answers a machine's requests. start and end are called in turns.
type serving interface {
	// start begins to serve. When it returns, there may be a moment to go until
	// requests are answered: the runner is told with set.
	start(m *runner) error
	// up waits until requests are answered, or says why they are not. Whatever it
	// says, what was started goes on.
	up(ctx context.Context, m *runner) error
	// end returns when nothing serves, and nobody calls set, any more.
	end()
}

// newID returns an ID as Fly's machines have them.
func newID() machine.ID {
	var id [7]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return machine.ID(hex.EncodeToString(id[:]))
}

func newRunner(s *site, id machine.ID, number int, how serving) *runner {
	return &runner{site: s, id: id, number: number, serving: how, addr: anyPort, checks: unseen(s.world.cfg.Shown), changed: make(chan struct{})}
}

// state returns how the machine is, and a channel that is closed when that has changed.
func (m *runner) state() (vital, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now, m.changed
}

func (m *runner) on() bool {
	now, _ := m.state()
	return now.on
}

// set notes how the machine is, and tells the edges.
func (m *runner) set(now vital) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == now {
		return
	}
	m.now = now
	if !now.on {
		m.claim = primary.Claim{}
	}
	close(m.changed)
	m.changed = make(chan struct{})
	m.tell()
}

// moveTo notes where the machine's app listens.
func (m *runner) moveTo(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addr = addr
}

func (m *runner) lastAddr() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addr
}

// serve says that requests are answered from now on, by an app whose database is known
// to be what claim says.
func (m *runner) serve(claim primary.Claim) {
	m.mu.Lock()
	m.claim = claim
	m.mu.Unlock()
	m.set(vital{on: true, ready: true})
}

// offer gives a machine requests, or none. What it claims is then as it was, but for
// what claim says.
func (m *runner) offer(on bool, claim primary.Claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.withheld, m.claim = !on, claim
	if m.now.on {
		m.tell()
	}
}

// tell tells the fleet how the machine is; mu is held. What it is asked for now and
// then is kept, or is known here from the start.
func (m *runner) tell() {
	w := m.site.world
	f := fleet.Machine{
		ID: m.id, App: w.cfg.Name, Region: m.site.region, Addr: m.addr, Group: w.cfg.Group, Limits: w.cfg.Limits,
		Healthy: m.now.ready && !m.withheld, Starting: m.now.coming,
	}
	old, known := w.fleet.Snapshot().Machine(f.App, f.ID)
	switch {
	case m.now.on && m.withheld:
		f.Told = known && old.Told // that it is no primary, for as long as this lasts
	case !f.Healthy:
	case m.claim.Role != machine.None:
		f.Claim = m.claim
	case known:
		f.Claim, f.Told = old.Claim, old.Told
	}
	w.fleet.Update(f)
}

// anyPort is a loopback port that is free.
const anyPort = "127.0.0.1:0"

// listen opens the address that was listened on last, or another one: while a machine
// is stopped, its port is anybody's.
func listen(last string) (net.Listener, error) {
	if l, err := net.Listen("tcp", last); err == nil {
		return l, nil
	}
	return net.Listen("tcp", anyPort)
}
