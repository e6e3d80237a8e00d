package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"homing/dev/link"
	"homing/edge"
	"homing/fleet"
	"homing/forward"
	"homing/health"
	"homing/journey"
	"homing/metrics"
	"homing/region"
)

// World is several running regions. Create it with [Start], end it with
// [World.Close]. Safe for concurrent use.
type World struct {
	cfg      Config
	secret   string // of tokens and of the feed, made anew for each world
	fleet    *fleet.Fleet
	journeys *journey.Log
	metrics  *metrics.Metrics
	lag      *lagWatch

	places    map[region.Code]*place // complete before anything is served
	databases databases
	workers   []*worker
	asking    sync.WaitGroup // the watch of the machines
	endAsking context.CancelFunc

	moving sync.Mutex // held while the primary moves

	mu    sync.Mutex
	links map[[2]region.Code]*link.Link
	cut   map[region.Code]bool // those cut off
}

// place is one region of the world.
type place struct {
	region region.Code
	edge   *edge.Edge
	server *edge.Server
	listen net.Listener // the edge's
	addr   string       // likewise
	site   *site
}

// Start starts all regions and returns when each has its database and answers.
// On an error nothing is left running.
func Start(ctx context.Context, cfg Config) (*World, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	w := &World{
		cfg: cfg, secret: rand.Text(), fleet: fleet.New(cfg.Distances), journeys: journey.NewLog(cfg.Keep),
		metrics: metrics.New(metrics.Config{Codes: edge.Codes()}),
		places:  make(map[region.Code]*place), links: make(map[[2]region.Code]*link.Link), cut: make(map[region.Code]bool),
	}
	w.lag, w.endAsking = newLagWatch(w), func() {}
	if err := w.fleet.SetApps(fleet.App{Name: cfg.Name, Options: cfg.Options}); err != nil {
		return nil, err
	}
	if err := w.start(ctx); err != nil {
		w.Close()
		return nil, err
	}
	go w.lag.run()
	return w, nil
}

// start opens the edges' ports first, since they are what is most likely in use,
// and serves them last.
func (w *World) start(ctx context.Context) error {
	for i, r := range w.cfg.Regions {
		if err := w.openEdge(r, i); err != nil {
			return err
		}
	}
	if err := w.openDatabases(ctx); err != nil {
		return err
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if err := w.startMachines(ctx); err != nil {
		return err
	}
	w.ask()
	for _, p := range w.places {
		go p.server.Serve(p.listen) //nolint:errcheck // it ends when Close closes it
	}
	return nil
}

// prepare opens every database and brings what Prepare makes to all of them: an app
// may want its tables as soon as it starts.
func (w *World) prepare(ctx context.Context) error {
	home := w.places[w.cfg.Primary].site
	if err := home.openDatabase(ctx); err != nil {
		return err
	}
	if db := home.database(); db != nil {
		if err := w.cfg.Prepare(ctx, db.SQL()); err != nil {
			return fmt.Errorf("prepare the database in %s: %w", w.cfg.Primary, err)
		}
	}
	for _, r := range w.cfg.Regions {
		if err := w.places[r].site.openDatabase(ctx); err != nil {
			return err
		}
	}
	if w.cfg.Release != nil {
		if err := w.cfg.Release(ctx, home.machine(newID(), 0, "release", 0)); err != nil {
			return err
		}
	}
	return w.CatchUp(ctx)
}

func (w *World) openEdge(r region.Code, i int) error {
	port := 0
	if w.cfg.Port != 0 {
		port = w.cfg.Port + i
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("the edge of %s cannot listen: %w", r, err)
	}
	e, err := edge.New(edge.Config{
		Region: r, App: w.cfg.Name, Fleet: w.fleet, Logger: w.cfg.Logger, Record: w.record, NoTLS: true,
		// Between hosts an edge has warm connections to the other hosts; here
		// connections to machines stand for those, so they are kept for long.
		Machines: forward.Config{Dial: w.dialFrom(r), IdleTimeout: 10 * time.Minute},
	})
	if err != nil {
		l.Close()
		return err
	}
	if err := w.metrics.Add(keptBytes(r, e)); err != nil {
		l.Close()
		return err
	}
	w.places[r] = &place{region: r, edge: e, server: e.Server(), listen: l, addr: l.Addr().String(), site: newSite(w, r)}
	return nil
}

func (w *World) openDatabases(ctx context.Context) error {
	switch w.cfg.Engine {
	case None:
		w.databases = nothing{w}
		return nil
	case SQLite:
		w.databases = newFiles(w)
		return nil
	}
	c, err := newCluster(ctx, w)
	if err != nil {
		return err // w.databases stays nil: there is nothing to close
	}
	w.databases = c
	return nil
}

// askEvery is how often machines are asked what they are. It is more often than an
// edge asks, since whoever looks on does not want to wait. Apps that are not in this
// process may not know the question, and log it.
const (
	askEvery        = 200 * time.Millisecond
	askProcessEvery = time.Second
)

// ask asks machines where the primary is until the world is closed.
func (w *World) ask() {
	var ctx context.Context
	ctx, w.endAsking = context.WithCancel(context.Background())
	every := askEvery
	if w.cfg.App == nil {
		every = askProcessEvery
	}
	w.asking.Go(func() {
		health.Watch(ctx, health.Config{Fleet: w.fleet, Every: every, Logger: w.cfg.Logger})
	})
}

// dialFrom returns a dialler that puts the distance from r to the machine's
// region on each connection.
func (w *World) dialFrom(r region.Code) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return w.way(r, w.regionAt(addr)).Dial(ctx, network, addr)
	}
}

// regionAt returns the region of the machine or edge that listens on addr.
func (w *World) regionAt(addr string) region.Code {
	for _, p := range w.places {
		if p.addr == addr {
			return p.region
		}
	}
	for _, m := range w.fleet.Snapshot().Machines() {
		if m.Addr == addr {
			return m.Region
		}
	}
	return ""
}

// way returns the link between two regions; both directions are alike.
func (w *World) way(a, b region.Code) *link.Link {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, ok := w.links[pair(a, b)]
	if !ok {
		l = link.New(w.cfg.Distances(a, b) / 2)
		if w.partedLocked(a, b) {
			l.Cut()
		}
		w.links[pair(a, b)] = l
	}
	return l
}

// Client returns a client as a user in region from has it: its connections go
// to the edges of the world with the distance of each. It follows no redirects
// and keeps no cookies unless it is given a jar. Its transport should be closed
// with CloseIdleConnections.
func (w *World) Client(from region.Code) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DialContext: w.dialFrom(from), MaxIdleConnsPerHost: 100},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// DialEdge connects to the edge of region to, as a user in region from does.
func (w *World) DialEdge(ctx context.Context, from, to region.Code) (net.Conn, error) {
	return w.way(from, to).Dial(ctx, "tcp", w.EdgeAddr(to))
}

// EdgeAddr returns the address of a region's edge, empty for an unknown region.
func (w *World) EdgeAddr(r region.Code) string {
	if p, ok := w.places[r]; ok {
		return p.addr
	}
	return ""
}

// Database returns the database of a region's machines, nil while that is stopped,
// for an unknown region, and where the world has none.
func (w *World) Database(r region.Code) Database {
	if p, ok := w.places[r]; ok {
		return p.site.database()
	}
	return nil
}

// Journeys returns the newest requests of all edges.
func (w *World) Journeys() *journey.Log { return w.journeys }

// closeGrace is how long requests under way may take to end.
const closeGrace = time.Second

// Close ends everything that Start began. It may be called more than once.
func (w *World) Close() error {
	w.lag.stop()
	w.endAsking()
	w.asking.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	var errs []error
	var wait sync.WaitGroup
	for _, p := range w.places {
		wait.Go(func() {
			if p.server.Shutdown(ctx) != nil {
				p.server.Close() // those that did not end in time are cut
			}
			p.listen.Close() // if it was never served
			p.edge.Close()
		})
	}
	wait.Wait()
	w.stopWorkers()
	errs = append(errs, w.closeSites())
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.links {
		l.Close()
	}
	return errors.Join(errs...)
}

// closeSites closes those of the replicas first: they follow the other.
func (w *World) closeSites() error {
	if w.databases == nil {
		return nil
	}
	home := w.databases.home()
	var errs []error
	var wait sync.WaitGroup
	for _, p := range w.places {
		wait.Go(p.site.quit) // a process may take its time to end
	}
	wait.Wait()
	for _, p := range w.places {
		if p.region != home {
			errs = append(errs, p.site.close())
		}
	}
	if p, ok := w.places[home]; ok {
		errs = append(errs, p.site.close())
	}
	return errors.Join(append(errs, w.databases.close())...)
}
