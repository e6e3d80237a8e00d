package fleet

import (
	"homing/machine"
	"homing/primary"
)

// SetClaim notes what a machine says of its database; the zero claim is that of one
// that has none, or does not answer. What is known already changes nothing, and
// neither does a machine that is not there.
func (f *Fleet) SetClaim(app machine.App, id machine.ID, c primary.Claim) {
	m, ok := f.Snapshot().Machine(app, id)
	if !ok || m.Told && m.Claim.Role == c.Role && m.Claim.Epoch == c.Epoch {
		return
	}
	f.change.Lock()
	defer f.change.Unlock()
	old := f.current.Load()
	if m, ok = old.Machine(app, id); !ok {
		return
	}
	m.Claim, m.Told = c, true
	f.put(old, m)
}

// Primary returns where an app's primary is, as its machines tell; the zero value if
// none has told anything.
func (s *Snapshot) Primary(app machine.App) primary.Place { return s.primaries[app].place }

// Disputed reports whether two regions claim to have the app's primary, and nothing
// tells which is right. [Snapshot.Primary] has none then, and an operator has to
// know.
func (s *Snapshot) Disputed(app machine.App) bool { return s.primaries[app].disputed }

type home struct {
	place    primary.Place
	header   string // what machines are told of it
	disputed bool
}

// PrimaryHeader returns [Snapshot.Primary] as machines are told it; empty if that is not
// known.
func (s *Snapshot) PrimaryHeader(app machine.App) string { return s.primaries[app].header }

// findPrimaries resolves what machines claim. Epochs that were seen before count for
// ever, so the snapshot before is asked too.
func (s *Snapshot) findPrimaries(before *Snapshot) {
	s.primaries = make(map[machine.App]home, len(s.sites))
	for app, sites := range s.sites {
		var all []primary.Witness
		for _, site := range sites {
			for _, m := range site.Machines {
				all = append(all, primary.Witness{Region: m.Region, Claim: m.Claim, Silent: !m.Told})
			}
		}
		var h home
		if before != nil {
			h.place = before.Primary(app)
		}
		h.place, h.disputed = primary.Resolve(h.place, all)
		h.header = h.place.String()
		s.primaries[app] = h
	}
}
