package homing

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"homing/decision"
	"homing/observe"
	"homing/region"
	"homing/replay"
	"homing/trail"
)

// observer counts what would be decided.
type observer struct {
	*observe.Recorder
	networks networks
}

func newObserver(cfg Config) *observer {
	here := cfg.PrimaryRegion
	if here == "" {
		here = cfg.Region
	}
	return &observer{observe.NewRecorder(here, cfg.Names), newNetworks(cfg.ClientNetworks)}
}

// Report says what several regions would bring this app, from the requests that were
// answered since the process began. It is for the mode [Observe]; in another one
// nothing is counted, and its advice says so.
func (s *Site) Report() observe.Report {
	if s.observer == nil {
		now := time.Now()
		return observe.Report{
			Since: now, At: now, Routes: []observe.Route{}, Clients: []observe.Clients{},
			Advice: []string{fmt.Sprintf("Nothing is counted, as the mode is %s; set HOMING_MODE=observe.", s.cfg.Mode)},
		}
	}
	return s.observer.Report()
}

// ReportPage returns a handler that shows the [Site.Report]: as a page to browsers, as
// JSON where that is asked for (Accept, or ?format=json), else as text. It shows
// routes and figures to whoever can reach it, so mount it where only you can.
func (s *Site) ReportPage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { observe.Show(w, r, s.Report()) })
}

// observe passes every request on as it is, and counts it.
func (s *Site) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		ctx, tr := trail.Start(r.Context())
		inner := r.WithContext(ctx)
		defer func() { // also when the handler panics
			r.Pattern, r.MultipartForm = inner.Pattern, inner.MultipartForm
			s.observer.Add(observe.Request{
				Route: routeOf(r), Client: s.observer.clientOf(r),
				Reason: s.wouldBe(r, tr), Wrote: tr.Has(trail.Wrote), Took: time.Since(begun),
			})
		}()
		next.ServeHTTP(w, inner)
	})
}

// wouldBe is what a replica's handler would decide about a request of which it is
// known what it did.
func (s *Site) wouldBe(r *http.Request, tr *trail.Trail) decision.Reason {
	switch {
	case isLocal(r):
		return decision.Local
	case s.routes.writes(r):
		return decision.Method
	case tr.Has(trail.Wrote):
		return decision.Captured
	}
	return decision.Read
}

// routeOf names a request's route: the pattern if the app's mux left one.
func routeOf(r *http.Request) string {
	switch {
	case r.Pattern == "":
		return observe.RouteOf(r.Method, r.URL.Path)
	case !strings.Contains(r.Pattern, " "): // a pattern for any method
		return r.Method + " " + r.Pattern
	}
	return r.Pattern
}

// clientOf returns the region that a request came from; empty if nothing tells.
func (o *observer) clientOf(r *http.Request) region.Code {
	if code, ok := o.networks.find(r); ok {
		return code
	}
	if v := r.Header[replay.RegionHeader]; len(v) == 1 {
		if code, err := region.Parse(v[0]); err == nil {
			return code
		}
	}
	return ""
}
