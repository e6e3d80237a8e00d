package observe

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"homing/decision"
	"homing/region"
)

// Report is what several regions would bring, as far as the traffic tells.
type Report struct {
	// Here is the region of the database; empty: not known.
	Here region.Code `json:"here,omitempty"`
	// Since is when counting began, At when the report was made.
	Since time.Time `json:"since"`
	At    time.Time `json:"at"`
	// Requests is how many were answered; of these Local could be answered near their
	// client, and Home would be sent home. Wrote is how many the database wrote for.
	Requests int64 `json:"requests"`
	Local    int64 `json:"local"`
	Home     int64 `json:"home"`
	Wrote    int64 `json:"wrote"`
	// Blind says that no write was ever seen in the database: perhaps its hooks are
	// missing, and GETs that write are not found.
	Blind bool `json:"blind"`
	// Routes are those that something would be sent home of, and those that are sent
	// home for no reason that was seen; those with the most requests first.
	Routes []Route `json:"routes"`
	// Clients are the regions that clients are in, those with the most requests first.
	Clients []Clients `json:"clients"`
	// Advice is what follows, in sentences.
	Advice []string `json:"advice"`
}

// Route is one route that matters.
type Route struct {
	Route    string          `json:"route"`
	Requests int64           `json:"requests"`
	Home     int64           `json:"home"`             // how many would be sent home
	Reason   decision.Reason `json:"reason,omitempty"` // why the last one would
	Wrote    int64           `json:"wrote"`            // how many the database wrote for
}

// Clients are those in one region.
type Clients struct {
	Region    region.Code   `json:"region"` // empty: not known
	Requests  int64         `json:"requests"`
	Local     int64         `json:"local"`
	RoundTrip time.Duration `json:"round_trip_ns"` // to the database's region; 0: here, or not known
	Now       Times         `json:"now"`
	Expected  Times         `json:"expected"` // with a replica there
}

// Times say how long requests take: half of them no longer than Median, 19 of 20 no
// longer than P95.
type Times struct {
	Median time.Duration `json:"median_ns"`
	P95    time.Duration `json:"p95_ns"`
}

func (h *histogram) times() Times { return Times{h.quantile(0.5), h.quantile(0.95)} }

// maxListed is how many routes a report lists.
const maxListed = 40

// Report says what has been seen until now.
func (r *Recorder) Report() Report {
	p := Report{Here: r.here, Since: r.since, At: time.Now(), Routes: []Route{}, Clients: []Clients{}}
	for name, rt := range r.routes.all() {
		p.count(name, rt)
	}
	for code, cl := range r.regions.all() {
		n, home := cl.requests.Load(), cl.home.Load()
		p.Clients = append(p.Clients, Clients{
			Region: code, Requests: n, Local: max(0, n-home), RoundTrip: r.way(code),
			Now: cl.now.times(), Expected: cl.expected.times(),
		})
	}
	slices.SortFunc(p.Routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(b.Home, a.Home), strings.Compare(a.Route, b.Route))
	})
	slices.SortFunc(p.Clients, func(a, b Clients) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Region, b.Region))
	})
	p.Blind = p.Requests > 0 && p.Wrote == 0
	p.Local = p.Requests - p.Home
	p.Advice = p.advise(r.names)
	p.Routes = p.Routes[:min(len(p.Routes), maxListed)]
	return p
}

// count adds one route to the sums, and lists it if it matters.
func (p *Report) count(name string, rt *route) {
	e := Route{Route: name, Home: rt.home.Load(), Wrote: rt.wrote.Load()}
	e.Requests = max(rt.requests.Load(), e.Home) // counted meanwhile
	if reason := rt.reason.Load(); reason != nil {
		e.Reason = *reason
	}
	p.Requests += e.Requests
	p.Home += e.Home
	p.Wrote += e.Wrote
	if e.Home > 0 {
		p.Routes = append(p.Routes, e)
	}
}
