package languages

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/decision"
	"homing/edge"
	"homing/fleet"
	"homing/health"
	"homing/journey"
	"homing/machine"
	"homing/postgres/pgtest"
	"homing/region"
)

// The clients' region, where a replica is, and the primary's.
const (
	here region.Code = "gru"
	home region.Code = "ord"
)

// world is an example in two regions: in each an edge, and a machine that is the
// sidecar around the app, with the region's server of a cluster.
type world struct {
	t       *testing.T
	cluster *pgtest.Cluster
	db      *pgtest.Database
	edges   map[region.Code]string

	mu      sync.Mutex
	records map[string]*journey.Record
	came    chan struct{} // closed and made anew at each record
}

// deploy does what a first deploy does: the release command, then the machines.
func deploy(t *testing.T, e *example, cluster *pgtest.Cluster, homing string) *world {
	t.Helper()
	w := &world{
		t: t, cluster: cluster, db: cluster.NewDatabase(t), edges: map[region.Code]string{},
		records: map[string]*journey.Record{}, came: make(chan struct{}),
	}
	around := append([]string{homing}, e.sidecar[1:]...)
	e.runOnce(t, append(slices.Clone(around), e.release...), append(w.machine(home), "RELEASE_COMMAND=1")...)
	w.catchUp()
	started := map[region.Code]*process{}
	for _, code := range []region.Code{home, here} {
		started[code] = e.start(t, append(slices.Clone(around), e.command...), w.machine(code)...)
	}
	t.Cleanup(func() { started[home].stop(); started[here].stop() })
	var machines []fleet.Machine
	for code, p := range started {
		machines = append(machines, fleet.Machine{ID: machine.ID("m-" + code), App: "links", Region: code, Addr: p.up(t).addr, Healthy: true})
	}
	w.startEdges(machines)
	return w
}

// machine is the environment of a region's machine.
func (w *world) machine(code region.Code) []string {
	near := w.cluster.Primary()
	if code == here {
		near = w.cluster.Replicas()[0]
	}
	return []string{
		"FLY_APP_NAME=links", "FLY_MACHINE_ID=m-" + string(code), "FLY_REGION=" + string(code), "PRIMARY_REGION=" + string(home),
		"HOMING_EDGE=1", "HOMING_SECRET=" + strings.Repeat("s", 32),
		"DATABASE_URL=" + w.db.URL(w.cluster.Primary()), "DATABASE_REPLICA_URL=" + w.db.URL(near),
	}
}

// startEdges starts an edge in each machine's region, and waits until they know where
// the primary is.
func (w *world) startEdges(machines []fleet.Machine) {
	w.t.Helper()
	silent := slog.New(slog.DiscardHandler)
	all := fleet.New(func(a, b region.Code) time.Duration { return time.Millisecond }, machines...)
	for _, m := range machines {
		e, err := edge.New(edge.Config{Region: m.Region, App: m.App, Fleet: all, Logger: silent, Record: w.record})
		if err != nil {
			w.t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		srv := e.Server()
		go srv.Serve(l) //nolint:errcheck // it ends when it is closed
		w.t.Cleanup(func() { transport.CloseIdleConnections(); srv.Close(); e.Close() })
		w.edges[m.Region] = l.Addr().String()
	}
	ctx, stop := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		health.Watch(ctx, health.Config{Fleet: all, Every: 20 * time.Millisecond, Logger: silent})
		close(watched)
	}()
	w.t.Cleanup(func() { stop(); <-watched })
	for patience := time.After(20 * time.Second); all.Snapshot().Primary("links").Region != home; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patience:
			w.t.Fatal("nobody says where the primary is")
		}
	}
}

func (w *world) client(at region.Code) *client { return &client{addr: w.edges[at]} }

func (w *world) catchUp() {
	w.t.Helper()
	if err := w.cluster.WaitCaughtUp(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// hold has the replica show nothing that is new until the returned function is called.
func (w *world) hold() (release func()) {
	w.t.Helper()
	replica := w.cluster.Replicas()[0]
	if err := replica.HoldReplay(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		if err := replica.ResumeReplay(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) record(r *journey.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[r.ID] = r.Clone()
	close(w.came)
	w.came = make(chan struct{})
}

// journey returns what happened to a request; its record may come after its answer.
func (w *world) journey(t *testing.T, id string) *journey.Record {
	t.Helper()
	for patience := time.After(10 * time.Second); ; {
		w.mu.Lock()
		r, came := w.records[id], w.came
		w.mu.Unlock()
		if r != nil {
			return r
		}
		select {
		case <-came:
		case <-patience:
			t.Fatalf("no record of %q", id)
		}
	}
}

// went checks which machine answered and for which of some reasons, and that nobody was
// asked besides.
func (w *world) went(t *testing.T, header http.Header, to region.Code, why ...decision.Reason) {
	t.Helper()
	r := w.journey(t, header.Get("Fly-Request-Id"))
	hops := 1
	if why[0].IsHome() {
		hops = 2
	}
	if len(r.Hops) != hops || r.Last().Region != to || !slices.Contains(why, r.Hops[0].Decision.Reason) {
		t.Errorf("%s %s: want %s, because of %v: %v", r.Method, r.Path, to, why, hopsOf(r))
	}
}

func hopsOf(r *journey.Record) (all []string) {
	for _, h := range r.Hops {
		all = append(all, fmt.Sprintf("%s: %d, %s %s", h.Region, h.Status, h.Decision.Reason, h.Problem))
	}
	return all
}

// reasons counts why requests of a path were served where they were.
func (w *world) reasons(path string) map[decision.Reason]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[decision.Reason]int{}
	for r := range maps.Values(w.records) {
		if strings.HasPrefix(r.Path, path) && len(r.Hops) > 0 {
			counts[r.Hops[0].Decision.Reason]++
		}
	}
	return counts
}
