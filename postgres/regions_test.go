package postgres_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"homing"
	"homing/edge"
	"homing/fleet"
	"homing/health"
	"homing/journey"
	"homing/machine"
	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/region"
)

// regions is an app in three regions: a machine in each, with an edge and a server of
// one cluster. The primary is in ord at first.
type regions struct {
	t       testing.TB
	cluster *pgtest.Cluster
	fleet   *fleet.Fleet
	at      map[region.Code]*place
	client  *http.Client

	mu      sync.Mutex
	records map[string]*journey.Record
	came    chan struct{} // closed and made anew at each record
}

type place struct {
	region region.Code
	server *pgtest.Server
	db     *postgres.DB
	edge   *edge.Edge
	addr   string // the edge's
}

var codes = []region.Code{"ord", "gru", "ams"}

// newRegions starts them. app makes the app of a region; vars are "NAME=value" for
// every machine.
func newRegions(t testing.TB, cfg pgtest.Config, app func(*postgres.DB) http.Handler, vars ...string) *regions {
	cfg.Replicas = len(codes) - 1
	c := pgtest.Start(t, cfg)
	w := &regions{
		t: t, cluster: c, at: make(map[region.Code]*place),
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: time.Minute},
		records: make(map[string]*journey.Record), came: make(chan struct{}),
	}
	w.sql(c.Primary(), "create table rows (id text primary key, n int not null default 0)", "grant all on rows to app")
	if valueOf(vars, "HOMING_HEARTBEAT") != "" {
		blind(t, c)
		w.sql(c.Primary(), postgres.HeartbeatSQL, "grant select, update on homing_heartbeat to app")
	}
	if err := c.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	var machines []fleet.Machine
	for i, code := range codes {
		p := &place{region: code, server: append([]*pgtest.Server{c.Primary()}, c.Replicas()...)[i]}
		p.db = openWith(t, p.server.URL(), valueOf(vars, "HOMING_HEARTBEAT"))
		w.at[code] = p
		machines = append(machines, w.machine(p, app, vars))
	}
	w.fleet = fleet.New(func(a, b region.Code) time.Duration { return time.Millisecond }, machines...)
	for _, p := range w.at {
		w.serve(p)
	}
	w.watch()
	return w
}

// valueOf returns a variable's value of "NAME=value".
func valueOf(vars []string, name string) string {
	for _, v := range vars {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

func (w *regions) sql(s *pgtest.Server, statements ...string) {
	w.t.Helper()
	if err := s.Exec(w.t.Context(), statements...); err != nil {
		w.t.Fatal(err)
	}
}

// machine starts a region's copy of the app.
func (w *regions) machine(p *place, app func(*postgres.DB) http.Handler, vars []string) fleet.Machine {
	env, err := homing.FromLookup(func(name string) string {
		return valueOf(append(vars, "FLY_REGION="+string(p.region), "PRIMARY_REGION=ord", "HOMING_EDGE=1"), name)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	site, err := homing.New(homing.Config{Env: env, Database: p.db, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	srv := httptest.NewServer(site.Handler(app(p.db)))
	w.t.Cleanup(srv.Close)
	return fleet.Machine{ID: machine.ID("m-" + p.region), App: "web", Region: p.region, Addr: srv.Listener.Addr().String(), Healthy: true}
}

// serve starts a region's edge.
func (w *regions) serve(p *place) {
	var err error
	p.edge, err = edge.New(edge.Config{
		Region: p.region, App: "web", Fleet: w.fleet, Record: w.record, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	p.addr = l.Addr().String()
	srv := p.edge.Server()
	go srv.Serve(l) //nolint:errcheck // it ends when it is closed
	w.t.Cleanup(func() {
		w.client.CloseIdleConnections()
		srv.Close()
		p.edge.Close()
	})
}

// watch asks the machines where the primary is, until the test ends.
func (w *regions) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		health.Watch(ctx, health.Config{Fleet: w.fleet, Every: 20 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	}()
	w.t.Cleanup(func() { cancel(); <-done })
	eventually(w.t, "the primary is known", func() bool { return w.fleet.Snapshot().Primary("web").Region == "ord" })
}

func (w *regions) record(r *journey.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[r.ID] = r.Clone()
	close(w.came)
	w.came = make(chan struct{})
}

// journey returns what happened to a request; its record may come after its answer.
func (w *regions) journey(id string) *journey.Record {
	w.t.Helper()
	for patience := time.After(10 * time.Second); ; {
		w.mu.Lock()
		r, came := w.records[id], w.came
		delete(w.records, id)
		w.mu.Unlock()
		if r != nil {
			return r
		}
		select {
		case <-came:
		case <-patience:
			w.t.Errorf("no record of %s", id)
			return &journey.Record{}
		}
	}
}

// reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
}

func (a reply) token() string { return a.header.Get("Homing-Position") }

func (a reply) String() string { return fmt.Sprint(a.status, " ", strings.TrimSpace(a.body)) }

// do sends a request to a region's edge; with a token, if it is not empty.
func (w *regions) do(at region.Code, method, path, token string) (reply, error) {
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.at[at].addr+path, nil)
	if err != nil {
		return reply{}, err
	}
	if token != "" {
		req.Header.Set("Homing-Position", token)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// rowsApp inserts with POST /rows/ID and reads with GET /rows/ID.
func rowsApp(db *postgres.DB) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rows/{id}", func(rw http.ResponseWriter, r *http.Request) {
		_, err := db.Pool().Exec(r.Context(), "insert into rows (id) values ($1)", r.PathValue("id"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /rows/{id}", func(rw http.ResponseWriter, r *http.Request) {
		var n int
		err := db.Pool().QueryRow(r.Context(), "select count(*) from rows where id = $1", r.PathValue("id")).Scan(&n)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(rw, n)
	})
	return mux
}
