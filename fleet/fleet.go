// Package fleet says who runs where: the machines of an app, their regions and
// their health, and how far the regions are from each other. It is read as an
// immutable [Snapshot], taken once per request, so that every choice about one
// request is made from one picture.
package fleet

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"homing/machine"
	"homing/region"
)

// Machine is one running copy of an app, as an edge sees it.
type Machine struct {
	ID      machine.ID
	App     machine.App
	Region  region.Code
	Addr    string // host:port of its HTTP server
	Healthy bool   // whether it may be given requests
}

// Distances tells the round-trip time between two regions. It is called for
// every choice and must be quick, symmetric and safe for concurrent use; within
// one region it is 0.
type Distances func(a, b region.Code) time.Duration

// Snapshot is the fleet at one moment. It never changes; its methods are safe
// for concurrent use and what they return must not be modified.
type Snapshot struct {
	machines  []Machine
	distances Distances
}

// Machines returns all machines, in no particular order.
func (s *Snapshot) Machines() []Machine { return s.machines }

// Machine returns the machine with this ID.
func (s *Snapshot) Machine(id machine.ID) (Machine, bool) {
	i := slices.IndexFunc(s.machines, func(m Machine) bool { return m.ID == id })
	if i < 0 {
		return Machine{}, false
	}
	return s.machines[i], true
}

// RoundTrip is the time a message takes from a to b and back.
func (s *Snapshot) RoundTrip(a, b region.Code) time.Duration {
	if a == b || s.distances == nil {
		return 0
	}
	return s.distances(a, b)
}

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
	f.current.Store(&Snapshot{machines: slices.Clone(machines), distances: d})
	return f
}

// Snapshot returns the fleet as it is now.
func (f *Fleet) Snapshot() *Snapshot { return f.current.Load() }

// Update replaces the machine of the same app and ID, or adds it.
func (f *Fleet) Update(m Machine) {
	f.change.Lock()
	defer f.change.Unlock()
	old := f.current.Load()
	machines := slices.Clone(old.machines)
	if i := slices.IndexFunc(machines, func(o Machine) bool { return o.App == m.App && o.ID == m.ID }); i >= 0 {
		machines[i] = m
	} else {
		machines = append(machines, m)
	}
	f.current.Store(&Snapshot{machines: machines, distances: old.distances})
}
