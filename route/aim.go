package route

import (
	"slices"

	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// aim is a wish in one form, whether a replay or the client's headers said it.
type aim struct {
	app      machine.App
	from     region.Code
	port     uint16
	regions  []region.Code // in order of preference
	only     bool          // no region but these
	strict   bool          // not even for the preferred machine
	instance machine.ID    // this machine and no other
	ill      bool          // whether it is healthy or not
	prefer   machine.ID    // this machine before all others
	not      machine.ID    // this one must not be it
	tried    []machine.ID
	another  bool // a replay names the app
}

func aimOf(w *Wish) aim {
	a := aim{app: w.App, from: w.From, port: w.Port, tried: w.Tried}
	in := &w.Replay
	if in.App != "" {
		a.app, a.another = in.App, true
	}
	if w.Origin == "" && in.App == "" && in.Instance == "" && in.PreferInstance == "" && len(in.Regions) == 0 {
		a.ask(w)
		return a
	}
	a.regions, a.only = in.Regions, len(in.Regions) > 0
	if a.instance = in.Instance; a.instance == "" {
		a.prefer = in.PreferInstance
	}
	if in.Elsewhere && (w.OriginApp == "" || w.OriginApp == a.app) {
		a.not = w.Origin
	}
	return a
}

// ask takes over what the client asked for: a machine counts before regions, and
// what is forced before what is preferred. Regions are forced for a reason, often
// the law, so a preferred machine elsewhere is no candidate then; a replay that
// prefers a machine means it, wherever it is.
func (a *aim) ask(w *Wish) {
	c := &w.Asked
	switch {
	case c.ForceInstance != "":
		a.instance, a.ill = c.ForceInstance, true
		return
	case len(c.ForceRegions) > 0:
		a.regions, a.only, a.strict = c.ForceRegions, true, true
	default:
		a.regions = c.PreferRegions
	}
	a.prefer = c.PreferInstance
}

// rank returns a region's place in the order of preference, and whether machines
// there may be chosen at all.
func (a *aim) rank(of region.Code) (int, bool) {
	for i, c := range a.regions {
		if c.Includes(of) {
			return i, true
		}
	}
	return len(a.regions), !a.only
}

// placed reports whether the request has to go to some place within its app.
func (a *aim) placed() bool { return a.instance != "" || a.only }

// named reports whether the request has to go to a target and no other: that is
// tried for a while when it exists and is not ready.
func (a *aim) named() bool { return a.placed() || a.another }

// fits reports whether m is what is asked for, apart from its region and whether it
// can take a request now.
func (a *aim) fits(m *fleet.Machine) bool {
	return (a.instance == "" || m.ID == a.instance) && (a.not == "" || m.ID != a.not) && m.Serves(a.port)
}

// open reports whether m may be given a request, be it full or not.
func (a *aim) open(m *fleet.Machine) bool {
	return a.fits(m) && (a.ill || m.Ready()) && !slices.Contains(a.tried, m.ID)
}

// able reports whether m, in a region that is allowed, is a candidate.
func (a *aim) able(m *fleet.Machine) bool { return a.open(m) && !m.Full() }
