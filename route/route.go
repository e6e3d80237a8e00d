// Package route chooses the machine that gets a request: a pure function of the
// request's wishes and a picture of the fleet. It opens no connection and keeps
// no state.
//
// Candidates are the app's machines that are healthy, under their hard limit, serve
// the port that the request came in on, match what it asks for, and were not tried
// yet. Among them the first region named wins, then the nearest, the edge's own
// before all others, then the least loaded for its soft limit, then chance. So
// traffic leaves a region only when every machine there is unhealthy or full.
//
// [Choose] says which machine, or [Error] why there is none; [Next] says what may be
// done about it, and about an exchange that failed.
package route

import (
	"math/rand/v2"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/replay"
)

// Wish is what is known about a request when a machine is chosen for it.
type Wish struct {
	From region.Code // the edge's region: near is measured from here
	Port uint16      // the edge's port that it came in on; 0: any
	App  machine.App // the app the request was for
	// Asked is where the client asked to be served. A replay overrides it.
	Asked  replay.Placement
	Replay replay.Instruction // zero value: none, the nearest machine
	Origin machine.ID         // the machine that asked for the replay
	// OriginApp is the app of Origin; empty: whichever app is wanted.
	OriginApp machine.App
	Tried     []machine.ID // those that could not be reached on this hop
}

// Fallback is the wish of a request whose replay could not reach its target: back to
// the machine that asked for it and no other (force_self), or that one if it can be
// had (prefer_self).
func (w Wish) Fallback() Wish {
	home := Wish{From: w.From, Port: w.Port, App: w.OriginApp, Origin: w.Origin, OriginApp: w.OriginApp}
	if home.App == "" {
		home.App = w.App
	}
	switch w.Replay.Fallback {
	case replay.ForceSelf:
		home.Replay.Instance = w.Origin
	case replay.PreferSelf:
		home.Replay.PreferInstance = w.Origin
	}
	return home
}

// Choose returns the machine that should get the request now. The error is an
// [*Error]. What machines have under way is read as it is at the moment.
func Choose(s *fleet.Snapshot, w Wish) (fleet.Machine, error) {
	a := aimOf(&w)
	if m := a.find(s); m != nil {
		return *m, nil
	}
	return fleet.Machine{}, a.none(s)
}

// Take chooses a machine and takes a slot of it. The error is an [*Error]; where all
// are busy it is what [fleet.Queue.Wait] waits by.
func Take(s *fleet.Snapshot, w *Wish) (fleet.Slot, error) {
	a := aimOf(w)
	for {
		m := a.find(s)
		if m == nil {
			return fleet.Slot{}, a.none(s)
		}
		// Else somebody else took the last slot: there is one candidate less.
		if slot, ok := m.Acquire(); ok {
			return slot, nil
		}
	}
}

// find returns the best candidate; nil: there is none.
func (a *aim) find(s *fleet.Snapshot) *fleet.Machine {
	sites := s.Sites(a.app)
	if m := a.preferred(sites); m != nil {
		return m
	}
	for {
		rank, way, found := a.front(s, sites)
		if !found {
			return nil
		}
		// None only if the last slot there was taken since: then look further.
		if m := a.pick(s, sites, rank, way); m != nil {
			return m
		}
	}
}

// preferred returns the machine that would be best of all, if it can be had.
func (a *aim) preferred(sites []fleet.Site) *fleet.Machine {
	if a.prefer == "" {
		return nil
	}
	for i := range sites {
		if _, allowed := a.rank(sites[i].Region); !allowed && a.strict {
			continue
		}
		for j := range sites[i].Machines {
			if m := &sites[i].Machines[j]; m.ID == a.prefer && a.able(m) {
				return m
			}
		}
	}
	return nil
}

// alike is how much round trips may differ and be taken for equal.
const alike = time.Millisecond

// way is how far a region is; the edge's own is nearer than a neighbour at no
// distance.
func (a *aim) way(s *fleet.Snapshot, to region.Code) time.Duration {
	if to == a.from {
		return -2 * alike
	}
	return s.RoundTrip(a.from, to)
}

// front returns the best place in the order of regions that has a candidate, and the
// shortest way to one there.
func (a *aim) front(s *fleet.Snapshot, sites []fleet.Site) (best int, shortest time.Duration, found bool) {
	for i := range sites {
		rank, allowed := a.rank(sites[i].Region)
		if !allowed || found && rank > best || !a.anyAble(sites[i].Machines) {
			continue
		}
		way := a.way(s, sites[i].Region)
		if !found || rank < best || way < shortest {
			best, shortest, found = rank, way, true
		}
	}
	return best, shortest, found
}

func (a *aim) anyAble(machines []fleet.Machine) bool {
	for i := range machines {
		if a.able(&machines[i]) {
			return true
		}
	}
	return false
}

// pick returns the least loaded candidate of the regions at the front, equals by
// chance.
func (a *aim) pick(s *fleet.Snapshot, sites []fleet.Site, best int, shortest time.Duration) *fleet.Machine {
	var least leastLoaded
	for i := range sites {
		rank, allowed := a.rank(sites[i].Region)
		if !allowed || rank != best || a.way(s, sites[i].Region) > shortest+alike {
			continue
		}
		for j := range sites[i].Machines {
			if m := &sites[i].Machines[j]; a.able(m) {
				least.add(m)
			}
		}
	}
	return least.machine
}

// leastLoaded is the best of the machines that were added. As loads are compared
// for their soft limits, those under theirs come before all others.
type leastLoaded struct {
	machine    *fleet.Machine
	load, soft int
	equals     int
}

func (l *leastLoaded) add(m *fleet.Machine) {
	load, soft := m.Share()
	switch mine, best := load*l.soft, l.load*soft; {
	case l.machine == nil || mine < best:
		*l = leastLoaded{m, load, soft, 1}
	case mine == best:
		// The n-th of equals replaces the others with chance 1/n.
		if l.equals++; rand.IntN(l.equals) == 0 {
			l.machine = m
		}
	}
}
