package fleet

import (
	"maps"
	"slices"
	"time"

	"homing/machine"
	"homing/region"
)

// Snapshot is the fleet at one moment. It never changes, but for what machines
// have under way; its methods are safe for concurrent use and what they return
// must not be modified.
type Snapshot struct {
	machines  []Machine
	sites     map[machine.App][]Site
	distances Distances
	directory *directory           // nil: no app was described
	apps      map[machine.App]*App // those that were, and those that run machines
	primaries map[machine.App]home
	changed   chan struct{}
}

// Site is an app's machines in one region: what is decided by region is decided
// once for all of them.
type Site struct {
	Region   region.Code
	Machines []Machine
}

func newSnapshot(d Distances, machines []Machine, apps *directory) *Snapshot {
	s := &Snapshot{
		machines: machines, sites: make(map[machine.App][]Site), distances: d, directory: apps,
		apps: make(map[machine.App]*App), changed: make(chan struct{}),
	}
	if apps != nil {
		maps.Copy(s.apps, apps.apps)
	}
	for _, m := range machines {
		sites := s.sites[m.App]
		i := slices.IndexFunc(sites, func(site Site) bool { return site.Region == m.Region })
		if i < 0 {
			i = len(sites)
			sites = append(sites, Site{Region: m.Region})
		}
		sites[i].Machines = append(sites[i].Machines, m)
		s.sites[m.App] = sites
		if s.apps[m.App] == nil {
			s.apps[m.App] = &App{Name: m.App}
		}
	}
	return s
}

// Machines returns all machines, in no particular order.
func (s *Snapshot) Machines() []Machine { return s.machines }

// Sites returns the machines of an app by region; none if nobody runs it.
func (s *Snapshot) Sites(app machine.App) []Site { return s.sites[app] }

// Machine returns the machine of this app and ID.
func (s *Snapshot) Machine(app machine.App, id machine.ID) (Machine, bool) {
	for _, site := range s.sites[app] {
		for i := range site.Machines {
			if site.Machines[i].ID == id {
				return site.Machines[i], true
			}
		}
	}
	return Machine{}, false
}

// RoundTrip is the time a message takes from a to b and back.
func (s *Snapshot) RoundTrip(a, b region.Code) time.Duration {
	if a == b || s.distances == nil {
		return 0
	}
	return s.distances(a, b)
}

// Changed returns a channel that is closed once there is a newer snapshot: who
// waits for a machine to become ready looks again then.
func (s *Snapshot) Changed() <-chan struct{} { return s.changed }
