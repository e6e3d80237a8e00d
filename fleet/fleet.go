// Package fleet says who runs where: the apps and their machines, regions and
// health, and how far the regions are from each other. It is read as an immutable
// [Snapshot], taken anew for each choice, so that one choice is made from one
// picture and a request that waits finds what has changed meanwhile.
//
// One thing is not in the picture, because it changes with every request: how much
// each machine has under way. That is counted live, shared by all snapshots, with
// the hard limit enforced by [Machine.Acquire]; who finds every machine full waits
// in a [Queue].
package fleet

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"homing/machine"
	"homing/primary"
	"homing/region"
)

// Machine is one running copy of an app, as an edge sees it.
type Machine struct {
	ID     machine.ID // unique within its app only
	App    machine.App
	Region region.Code
	Addr   string // host:port of its HTTP server
	// Group is its process group, as in FLY_PROCESS_GROUP.
	Group string
	// Ports are those of the edge that its group serves; none: all.
	Ports []uint16
	// Healthy says that it may be given requests.
	Healthy bool
	// Starting says that its port has not opened since it started: it is given no
	// requests, whatever Healthy says, but is worth waiting for.
	Starting bool
	Limits   Limits
	// Claim is what it says of its database, if it has Told anything.
	Claim primary.Claim
	Told  bool

	load *load // the same in every snapshot; nil in a machine of no fleet
}

// Ready reports whether m may be given requests at all.
func (m *Machine) Ready() bool { return m.Healthy && !m.Starting }

// Serves reports whether m takes requests that came in on this port of the edge; 0
// stands for any.
func (m *Machine) Serves(port uint16) bool {
	return port == 0 || len(m.Ports) == 0 || slices.Contains(m.Ports, port)
}

func (m *Machine) same(o *Machine) bool {
	return m.ID == o.ID && m.App == o.App && m.Region == o.Region && m.Addr == o.Addr && m.Group == o.Group &&
		slices.Equal(m.Ports, o.Ports) && m.Healthy == o.Healthy && m.Starting == o.Starting && m.Limits == o.Limits &&
		m.Told == o.Told && m.Claim.Role == o.Claim.Role && m.Claim.Epoch == o.Claim.Epoch
}

// Distances tells the round-trip time between two regions. It is called for
// every choice and must be quick, symmetric and safe for concurrent use; within
// one region it is 0.
type Distances func(a, b region.Code) time.Duration

// Fleet is the current snapshot, and the one place where it is replaced. Create
// it with [New]. Safe for concurrent use.
type Fleet struct {
	current atomic.Pointer[Snapshot]
	change  sync.Mutex // held by those who replace the snapshot
}

// New returns a fleet of these machines. Without distances every region is
// equally near.
func New(d Distances, machines ...Machine) *Fleet {
	f := new(Fleet)
	machines = slices.Clone(machines)
	for i := range machines {
		machines[i].load = newLoad(machines[i].Limits.Hard)
	}
	first := newSnapshot(d, machines, nil)
	first.findPrimaries(nil)
	f.current.Store(first)
	return f
}

// Snapshot returns the fleet as it is now.
func (f *Fleet) Snapshot() *Snapshot { return f.current.Load() }

// Update replaces the machine of the same app and ID, or adds it. What it has
// under way stays counted. Saying what is known already changes nothing.
func (f *Fleet) Update(m Machine) {
	f.change.Lock()
	defer f.change.Unlock()
	f.put(f.current.Load(), m)
}

// put replaces or adds a machine; change is held.
func (f *Fleet) put(old *Snapshot, m Machine) {
	machines := slices.Clone(old.machines)
	m.Ports = slices.Clone(m.Ports)
	i := slices.IndexFunc(machines, func(o Machine) bool { return o.App == m.App && o.ID == m.ID })
	switch {
	case i < 0:
		m.load = newLoad(m.Limits.Hard)
		machines = append(machines, m)
	case machines[i].same(&m):
		return
	default:
		m.load = machines[i].load
		machines[i] = m
	}
	f.replace(old, newSnapshot(old.distances, machines, old.directory))
	m.load.setHard(m.Limits.Hard)
}

// replace makes next the current snapshot; change is held.
func (f *Fleet) replace(old, next *Snapshot) {
	next.findPrimaries(old)
	f.current.Store(next)
	close(old.changed)
}
