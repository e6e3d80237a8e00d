package dev

import (
	"net"
	"sync"
	"time"

	"homing/machine"
	"homing/position"
	"homing/region"
)

// Status is one region at one moment.
type Status struct {
	Region   region.Code
	Machine  machine.ID
	EdgeAddr string
	// Distance is the round trip to the primary's region; 0 there.
	Distance time.Duration
	Running  bool
	Role     machine.Role
	Position position.Position // what reads see
	// Lag is how long the newest change took from the primary until it could be
	// read here; while something is missing, how long it has been missing.
	Lag     time.Duration
	Behind  bool // something is missing
	Held    bool // replication is held back
	Waiting int  // requests that wait for a position
	Problem string
}

// EdgeURL names the region's edge by a host of its own, so that a browser keeps
// the cookies of the regions apart.
func (s Status) EdgeURL() string {
	_, port, _ := net.SplitHostPort(s.EdgeAddr) // a listener's: it has a port
	return "http://" + string(s.Region) + ".localhost:" + port
}

// Statuses returns the regions in the order of [Config.Regions].
func (w *World) Statuses() []Status {
	list := make([]Status, 0, len(w.cfg.Regions))
	for _, r := range w.cfg.Regions {
		list = append(list, w.status(w.places[r]))
	}
	return list
}

func (w *World) status(p *place) Status {
	s := Status{
		Region: p.region, Machine: p.machine.id, EdgeAddr: p.addr,
		Distance: w.cfg.Distances(p.region, w.cfg.Primary),
	}
	missing := w.lag.missing(p.region)
	s.Held, s.Behind, s.Lag = p.feed != nil && p.feed.Held(), missing > 0, missing
	db := p.machine.database()
	if db == nil {
		s.Problem = "the machine is stopped"
		return s
	}
	st := db.Status()
	s.Running, s.Role, s.Position, s.Waiting = true, st.State.Role, st.Position, st.Waiting
	if st.Err != nil {
		s.Problem = w.problem(p, st.Err)
	}
	if !w.isBehind(p.region) {
		s.Behind, s.Lag = false, st.Lag
	}
	return s
}

// problem says in words what is wrong with a database. What a replica knows of its
// feed is an address, which tells nobody where it is.
func (w *World) problem(p *place, err error) string {
	if home := w.Database(w.cfg.Primary); home == nil && p.feed != nil {
		return "cannot reach " + w.cfg.Primary.City() + ", and tries again"
	}
	return err.Error()
}

// isBehind reports whether a region is missing something that the primary has. A
// stopped primary has nothing that could be missed.
func (w *World) isBehind(r region.Code) bool {
	home := w.Database(w.cfg.Primary)
	if home == nil {
		return false
	}
	db := w.Database(r)
	return db == nil || db.Status().Position < home.Status().Position // SQLite's positions sort as text
}

// lagWatch notes since when a replica has been missing something.
type lagWatch struct {
	world *World
	end   chan struct{}
	stop  func()

	mu    sync.Mutex
	since map[region.Code]time.Time
}

func newLagWatch(w *World) *lagWatch {
	l := &lagWatch{world: w, end: make(chan struct{}), since: make(map[region.Code]time.Time)}
	l.stop = sync.OnceFunc(func() { close(l.end) })
	return l
}

// lookEvery is how exact "missing since" is.
const lookEvery = 50 * time.Millisecond

func (l *lagWatch) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.look()
		case <-l.end:
			return
		}
	}
}

func (l *lagWatch) look() {
	for r := range l.world.places {
		behind := l.world.isBehind(r)
		l.mu.Lock()
		if !behind {
			delete(l.since, r)
		} else if _, known := l.since[r]; !known {
			l.since[r] = time.Now()
		}
		l.mu.Unlock()
	}
}

// missing returns for how long something has been missing in r; 0: nothing is,
// as far as was seen.
func (l *lagWatch) missing(r region.Code) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	since, ok := l.since[r]
	if !ok {
		return 0
	}
	return max(1, time.Since(since))
}
