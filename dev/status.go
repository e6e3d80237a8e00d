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
	Region  region.Code
	Machine machine.ID // the first one's
	// Machines are all of the region; none: it has but an edge.
	Machines []MachineStatus
	EdgeAddr string
	// Distance is the round trip to the primary's region; 0 there.
	Distance time.Duration
	Running  bool
	Role     machine.Role
	Position position.Position // what reads see
	// Lag is how long the newest change took from the primary until it could be
	// read here; while something is missing, how long it has been missing.
	Lag    time.Duration
	Behind bool // something is missing
	// Bytes is how much of the primary's log is missing; -1: the engine does not count.
	Bytes   int64
	Primary bool // the primary is here, as far as the edges know; if they do not: was last
	Held    bool // replication is held back
	Cut     bool // the region is cut off from all others
	Waiting int  // requests that wait for a position
	Problem string
	// NoDatabase says that this world keeps none: what is said of positions, lag and
	// replication has no meaning.
	NoDatabase bool
}

// MachineStatus is one machine at one moment.
type MachineStatus struct {
	ID      machine.ID
	Addr    string // where its app listens, or did last
	Running bool
	Ready   bool   // it is given requests
	Problem string // why it is not, or may not be for long
	Checks  []CheckStatus
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

// Primary is where the edges know the primary to be; while there is none, where it was
// last.
func (w *World) Primary() region.Code {
	if r := w.fleet.Snapshot().Primary(w.cfg.Name).Region; r != "" {
		return r
	}
	return w.databases.home()
}

func (w *World) status(p *place) Status {
	home := w.Primary()
	missing := w.lag.missing(p.region)
	s := Status{
		Region: p.region, EdgeAddr: p.addr, Distance: w.cfg.Distances(p.region, home), Primary: p.region == home,
		Held: w.databases.held(p.region), Cut: w.isCut(p.region), Behind: missing > 0, Lag: missing, Bytes: -1, NoDatabase: w.cfg.Engine == None,
		Running: p.site.running(), Machines: p.site.statuses(), Problem: p.site.problem(),
	}
	if len(s.Machines) > 0 {
		s.Machine = s.Machines[0].ID
	}
	db := p.site.database()
	switch {
	case db != nil:
		s.look(db.Look())
	case s.Running:
		s.Role = w.role(p.region)
	}
	return s
}

// look adds what was seen of the region's database.
func (s *Status) look(l Look) {
	s.Role, s.Position, s.Waiting, s.Bytes = l.State.Role, l.Position, l.Waiting, l.Bytes
	if s.Problem == "" && l.Problem != nil {
		s.Problem = l.Problem.Error()
	}
	if !l.Behind {
		s.Behind, s.Lag = false, l.Lag
	}
}

// role is what a region's machines say of a database that is not ours, or else what
// they were told.
func (w *World) role(r region.Code) machine.Role {
	for _, m := range w.fleet.Snapshot().Machines() {
		if m.Region == r && m.Told && m.Claim.Role != machine.None {
			return m.Claim.Role
		}
	}
	return machine.Env{Region: r, PrimaryRegion: w.databases.home()}.Role()
}

// isBehind reports whether a region is missing something that the primary has. A
// stopped primary has nothing that could be missed.
func (w *World) isBehind(r region.Code) bool {
	if w.Database(w.databases.home()) == nil {
		return false
	}
	db := w.Database(r)
	return db == nil || db.Look().Behind
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
