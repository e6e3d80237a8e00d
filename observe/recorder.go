package observe

import (
	"sync"
	"sync/atomic"
	"time"

	"homing/decision"
	"homing/region"
)

// Bounds of what a [Recorder] keeps apart.
const (
	MaxRoutes  = 500
	MaxRegions = 64
)

// others stands for the routes beyond MaxRoutes.
const others = "(other routes)"

// Request is one request that was answered.
type Request struct {
	// Route is the mux's pattern, or see [RouteOf].
	Route string
	// Client is the region that it came from; empty: not known.
	Client region.Code
	// Reason is why it would be answered near its client or sent home.
	Reason decision.Reason
	// Wrote says that its database committed a write.
	Wrote bool
	// Took is how long its handler took.
	Took time.Duration
}

// Recorder counts requests. Create it with [NewRecorder]. Safe for concurrent use.
type Recorder struct {
	here  region.Code
	names Names
	since time.Time

	routes  table[string, route]
	regions table[region.Code, clients]
}

// NewRecorder returns a recorder for an app whose database is in region here; empty:
// nobody knows where, and no round trips are known.
func NewRecorder(here region.Code, names Names) *Recorder {
	if names == (Names{}) {
		names = NamesInGo()
	}
	return &Recorder{
		here: here, names: names, since: time.Now(),
		routes:  table[string, route]{limit: MaxRoutes, rest: others},
		regions: table[region.Code, clients]{limit: MaxRegions},
	}
}

// route is what is counted of one route.
type route struct {
	requests, home, wrote atomic.Int64
	reason                atomic.Pointer[decision.Reason] // of the last that would be sent home
}

// clients is what is counted of one client region.
type clients struct {
	requests, home atomic.Int64
	now, expected  histogram
}

// Add counts a request.
func (r *Recorder) Add(req Request) {
	home := req.Reason.IsHome()
	way := r.way(req.Client)
	rt, cl := r.routes.at(req.Route), r.regions.at(req.Client)
	rt.requests.Add(1)
	cl.requests.Add(1)
	cl.now.add(req.Took + way)
	if req.Wrote {
		rt.wrote.Add(1)
	}
	if !home {
		cl.expected.add(req.Took)
		return
	}
	rt.home.Add(1)
	if last := rt.reason.Load(); last == nil || *last != req.Reason {
		rt.reason.Store(&req.Reason)
	}
	cl.home.Add(1)
	cl.expected.add(req.Took + way)
}

// way is the round trip between a client's region and here; 0 if it is not known.
func (r *Recorder) way(client region.Code) time.Duration {
	if client == "" || r.here == "" || client == r.here {
		return 0
	}
	d, _ := region.RoundTrip(client, r.here)
	return d
}

// table is a map that grows up to a limit; what comes then is the rest. The zero rest
// is an entry like any other.
type table[K comparable, V any] struct {
	limit int
	rest  K

	mu      sync.RWMutex
	entries map[K]*V
}

func (t *table[K, V]) at(key K) *V {
	t.mu.RLock()
	v := t.entries[key]
	t.mu.RUnlock()
	if v != nil {
		return v
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries == nil {
		t.entries = map[K]*V{}
	}
	if len(t.entries) >= t.limit && t.entries[key] == nil {
		key = t.rest
	}
	if t.entries[key] == nil {
		t.entries[key] = new(V)
	}
	return t.entries[key]
}

// all returns a copy of the map.
func (t *table[K, V]) all() map[K]*V {
	t.mu.RLock()
	defer t.mu.RUnlock()
	entries := make(map[K]*V, len(t.entries))
	for k, v := range t.entries {
		entries[k] = v
	}
	return entries
}
