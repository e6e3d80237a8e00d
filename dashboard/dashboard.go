// Package dashboard is the page of a running world: its regions with their
// switches, and the newest requests with the journey of each. It reads statuses
// and records and decides nothing.
//
//	http.ListenAndServe("127.0.0.1:7600", dashboard.New(dashboard.Config{World: world, Primary: "ord"}))
//
// Besides the page there is the same for programs:
//
//	GET  /state                  {"regions": […], "journeys": […]}, oldest journey first
//	GET  /regions                its first part alone
//	GET  /journeys               the last requests as lines of text, oldest first
//	GET  /events                 server-sent events "regions" and "journeys", each an array
//	GET  /metrics                what the edges have counted, for Prometheus, see package metrics
//	POST /regions/{region}/hold  likewise the other [Actions]; 204, or one line saying why not
//
// The switches stop machines without asking who is there, so it answers only
// loopback names and its own origin: neither another website nor another port of
// the same computer can operate or read it. A program that sends no Origin, such
// as curl, can.
package dashboard

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"sync"

	"homing/dev"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

// World is what the page shows and switches; [dev.World] is one. Its methods are
// called from several goroutines at once.
type World interface {
	Statuses() []dev.Status
	Journeys() *journey.Log
	// Hold holds replication to a region back (on) or lets it go on.
	Hold(r region.Code, on bool) error
	// Cut cuts a region off from the others (on), or ends that.
	Cut(r region.Code, on bool) error
	// Run starts the machines of a region (on) or stops them; RunMachine does so with
	// one.
	Run(ctx context.Context, r region.Code, on bool) error
	RunMachine(ctx context.Context, r region.Code, id machine.ID, on bool) error
	// Promote makes the database of a region the primary, if CanPromote.
	Promote(ctx context.Context, r region.Code) error
	CanPromote() bool
}

// Config says what the page is about. World and Primary are required.
type Config struct {
	World World
	// Primary is the region of the writable database at start, which Measured is about.
	Primary region.Code
	// Metrics is served at /metrics. nil: there are none.
	Metrics http.Handler
	// App is what the page calls the app in links to it. Default "app".
	App string
	// Measured is shown as a table between the regions and the requests, with
	// MeasuredFrom as where the user was. Empty: no table.
	Measured     []Row
	MeasuredFrom region.Code
}

// Row compares how long one thing took with the app in the primary's region
// only, and with Homing; both as text, such as "121 ms".
type Row struct{ What, Home, Homing string }

type dashboard struct {
	cfg    Config
	attach sync.Once     // to the server
	ended  chan struct{} // closed when that server is shut down
}

// New returns the page. Event streams under way end when the server that serves
// it is shut down.
func New(cfg Config) http.Handler {
	if cfg.App == "" {
		cfg.App = "app"
	}
	d := &dashboard{cfg: cfg, ended: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.page)
	mux.HandleFunc("GET /page.css", asset(pageCSS, "text/css; charset=utf-8"))
	mux.HandleFunc("GET /page.js", asset(pageJS, "text/javascript; charset=utf-8"))
	mux.Handle("GET /state", sameOrigin(d.state))
	mux.Handle("GET /regions", sameOrigin(d.regionList))
	mux.Handle("GET /journeys", sameOrigin(d.journeyLines))
	mux.Handle("GET /events", sameOrigin(d.events))
	if cfg.Metrics != nil {
		mux.Handle("GET /metrics", sameOrigin(cfg.Metrics.ServeHTTP))
	}
	d.control(mux)
	return loopbackOnly(mux)
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS []byte
	//go:embed page.js
	pageJS []byte

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// page has a card for each region already, so that nothing moves when the first
// event fills them in.
func (d *dashboard) page(w http.ResponseWriter, _ *http.Request) {
	var out bytes.Buffer
	err := pageTemplate.Execute(&out, struct {
		Config
		Home       region.Code
		CanPromote bool
		Regions    []regionState
	}{d.cfg, d.home(), d.cfg.World.CanPromote(), d.regions()})
	if err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = out.WriteTo(w) // a client that has gone needs no answer
}

func asset(body []byte, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body)
	}
}
