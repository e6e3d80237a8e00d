package homing

import (
	"net/http"
	"strings"

	"homing/machine"
	"homing/position"
	"homing/primary"
	"homing/replay"
)

// A Laggard is a [Database] that knows how far it is behind its primary. Lag does no
// I/O.
type Laggard interface{ Lag() position.Lag }

// A Troubled [Database] can say in one line what keeps it from being used; it says
// nothing where nothing does. Problem does no I/O, and holds no secret.
type Troubled interface{ Problem() string }

// primaryOf returns where the edge in front says that the primary is. Only an edge of
// ours is believed, and only where nobody can get past it.
func (s *Site) primaryOf(r *http.Request) primary.Place {
	if !s.cfg.Env.Edge || r.Header[replay.PrimaryHeader] == nil {
		return primary.Place{}
	}
	text := r.Header.Get(replay.PrimaryHeader)
	if last := s.place.Load(); last != nil && last.text == text {
		return last.Place // as with all requests but one after each promotion
	}
	p, err := primary.ParsePlace(text)
	if err != nil {
		s.tellOnce("primary header", "homing: what the edge says of the primary cannot be read; PRIMARY_REGION counts", "err", err)
		return p
	}
	s.place.Store(&place{p, strings.Clone(text)})
	return p
}

// place is where the primary is, and how the edge wrote that.
type place struct {
	primary.Place
	text string
}

// lastTold returns where the edge last said that the primary is.
func (s *Site) lastTold() primary.Place {
	if p := s.place.Load(); p != nil {
		return p.Place
	}
	return primary.Place{}
}

// state returns what the database here is, given where the primary is said to be.
// The database's own word counts, unless another has been promoted since; PRIMARY_REGION
// only where nobody knows better.
func (s *Site) state(told primary.Place) (st position.State, replaced bool) {
	if s.cfg.Database != nil {
		st = s.cfg.Database.State()
	}
	switch {
	case st.Role == machine.Primary && told.Deposes(st.Epoch):
		st.Role = machine.None // what it has is not what the others have
		return st, true
	case st.Role == machine.None && !told.Known() && s.cfg.Region == s.cfg.PrimaryRegion:
		st.Role = machine.Primary
	case st.Role == machine.None && s.cfg.Database == nil && told.Region == s.cfg.Region && told.Known():
		st.Role = machine.Primary
	case st.Role == machine.None && s.cfg.Database == nil:
		st.Role = machine.Replica // nothing contradicts it, and refused writes are the app's to avoid
	}
	return st, false
}

// claim is what this machine says of its database. Without one it says nothing:
// PRIMARY_REGION is known to everybody.
func (s *Site) claim() (primary.Claim, bool) {
	if s.cfg.Database == nil {
		return primary.Claim{}, false
	}
	st := s.cfg.Database.State()
	c := primary.Claim{Role: st.Role, Epoch: st.Epoch}
	if l, ok := s.cfg.Database.(Laggard); ok && st.Role == machine.Replica {
		c.Lag = l.Lag().Behind
	}
	return c, true
}

// asksForClaim reports whether an edge asks what this machine is. Requests of
// clients carry the edge's region, and are the app's.
func (s *Site) asksForClaim(r *http.Request) bool {
	return s.cfg.Env.Edge && r.URL.Path == primary.Path && r.Header.Get(replay.RegionHeader) == ""
}

// answerClaim tells an edge what this machine is, and hears where the primary is.
func (s *Site) answerClaim(w http.ResponseWriter, r *http.Request) {
	s.primaryOf(r)
	if c, ok := s.claim(); ok {
		w.Header().Set(replay.RoleHeader, c.String())
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}
