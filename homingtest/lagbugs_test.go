package homingtest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"homing"
	"homing/decision"
	"homing/homingtest"
)

// careless is an app with mistakes that do not show with one machine and one database.
// Below /bad it makes them, below /good they are mended.
type careless struct {
	m       homingtest.Machine
	cached  atomic.Pointer[string] // a page, for this machine alone
	mails   *atomic.Int64          // sent by all machines
	written chan struct{}          // holds one for each write that comes late
}

// mux has the routes of /bad and /good side by side.
func (a *careless) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /bad/later", a.addLater)
	mux.HandleFunc("POST /good/later", a.add)
	mux.HandleFunc("GET /bad/later", a.list)
	mux.HandleFunc("GET /good/later", a.list)
	mux.HandleFunc("POST /bad/cached", a.addAndForget)
	mux.HandleFunc("POST /good/cached", a.add)
	mux.HandleFunc("GET /bad/cached", a.listCached)
	mux.HandleFunc("GET /good/cached", a.list)
	mux.HandleFunc("GET /bad/confirm", a.confirm)
	mux.HandleFunc("GET /good/confirm", a.confirm) // which WriteRoutes names
	return mux
}

func (a *careless) insert(ctx context.Context) error {
	_, err := a.m.SQL.ExecContext(ctx, "INSERT INTO entries VALUES ('hello')")
	return err
}

func (a *careless) count(ctx context.Context) (n string, err error) {
	err = a.m.SQL.QueryRowContext(ctx, "SELECT count(*) FROM entries").Scan(&n)
	return n, err
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, text)
}

func (a *careless) add(w http.ResponseWriter, r *http.Request) { answer(w, "", a.insert(r.Context())) }

func (a *careless) list(w http.ResponseWriter, r *http.Request) {
	n, err := a.count(r.Context())
	answer(w, n, err)
}

// addLater answers before it writes, so that the answer cannot say what was written.
func (a *careless) addLater(w http.ResponseWriter, r *http.Request) {
	go func() {
		<-r.Context().Done() // the answer has gone
		_ = a.insert(context.Background())
		a.written <- struct{}{}
	}()
}

// listCached reads once, until somebody writes: on this machine.
func (a *careless) listCached(w http.ResponseWriter, r *http.Request) {
	if page := a.cached.Load(); page != nil {
		answer(w, *page, nil)
		return
	}
	n, err := a.count(r.Context())
	if err == nil {
		a.cached.Store(&n)
	}
	answer(w, n, err)
}

func (a *careless) addAndForget(w http.ResponseWriter, r *http.Request) {
	a.cached.Store(nil)
	a.add(w, r)
}

// confirm does something outside of the database before it writes.
func (a *careless) confirm(w http.ResponseWriter, r *http.Request) {
	a.mails.Add(1)
	a.add(w, r)
}

// TestLagBugsShow: a test of the app finds each of the mistakes, and nothing where they
// are mended.
func TestLagBugsShow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		find func(w *homingtest.World, a *careless, path string) string // what is wrong
	}{
		{"a write that comes after its answer", findLateWrite},
		{"a cache that another machine's writes do not reach", findStaleCache},
		{"something done twice around a write in a GET", findTwice},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for path, wrong := range map[string]bool{"/bad": true, "/good": false} {
				a := &careless{mails: new(atomic.Int64), written: make(chan struct{}, 1)}
				w := homingtest.Start(t, homingtest.World{Regions: "ord gru", App: a.onMachine, Prepare: migrate})
				if found := tt.find(w, a, path); (found != "") != wrong {
					t.Errorf("%s: found %q; there is something to find: %v", path, found, wrong)
				}
			}
		})
	}
}

// onMachine makes the app of one machine; mails and lateness are those of all.
func (a *careless) onMachine(m homingtest.Machine) (http.Handler, error) {
	site, err := homing.New(homing.Config{Env: m.Env, Database: m.Database, Logger: m.Logger, WriteRoutes: []string{"GET /good/confirm"}})
	if err != nil {
		return nil, err
	}
	return site.Handler((&careless{m: m, mails: a.mails, written: a.written}).mux()), nil
}

func findLateWrite(w *homingtest.World, a *careless, path string) string {
	w.HoldReplication("gru")
	c := w.Client("gru")
	c.Post(path+"/later", "", nil)
	if path == "/bad" {
		<-a.written
	}
	if got := c.Get(path + "/later"); got.Body != "1" {
		return "the writer does not see it: " + got.Journey.String()
	}
	return ""
}

func findStaleCache(w *homingtest.World, _ *careless, path string) string {
	c := w.Client("gru")
	c.Get(path + "/cached")
	c.Post(path+"/cached", "", nil)
	w.CatchUp()
	if got := c.Get(path + "/cached"); got.Body != "1" {
		return "the writer does not see it: " + got.Journey.String()
	}
	return ""
}

func findTwice(w *homingtest.World, a *careless, path string) string {
	got := w.Client("gru").Get(path + "/confirm")
	if n := a.mails.Load(); n != 1 || got.Journey.Reason == decision.Captured {
		return fmt.Sprintf("%d mails were sent: %v", n, got.Journey)
	}
	return ""
}
