package homingtest_test

import (
	"fmt"
	"net/http"
	"testing"

	"homing"
	"homing/decision"
	"homing/homingtest"
	"homing/postgres"
	"homing/region"
)

// newPoolApp is an app that uses pgx, and counts visits.
func newPoolApp(m homingtest.Machine) (http.Handler, error) {
	if _, ok := m.Database.(*postgres.DB); !ok || m.Pool == nil {
		return nil, fmt.Errorf("a machine with %T and the pool %p", m.Database, m.Pool)
	}
	site, err := homing.New(homing.Config{Env: m.Env, Database: m.Database, Logger: m.Logger})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /entries", func(w http.ResponseWriter, r *http.Request) {
		var n string
		err := m.Pool.QueryRow(r.Context(), "SELECT count(*)::text FROM entries").Scan(&n)
		answer(w, n, err)
	})
	mux.HandleFunc("POST /entries", func(w http.ResponseWriter, r *http.Request) {
		_, err := m.Pool.Exec(r.Context(), "INSERT INTO entries VALUES ('hello')")
		answer(w, "", err)
	})
	return site.Handler(mux), nil
}

func TestOnPostgres(t *testing.T) {
	t.Parallel()
	world := homingtest.Start(t, homingtest.World{Regions: "ord gru ams", Database: homingtest.Postgres, App: newPoolApp, Prepare: migrate})
	for _, tt := range []struct {
		name string
		test func(*testing.T, *homingtest.World)
	}{
		{"an own write is seen while it is held back", testHeldOnPostgres},
		{"a primary that failed is replaced", testFailure},
		{"the primary moves and the apps follow", testPromote},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, world.For(t)) })
	}
}

func testHeldOnPostgres(t *testing.T, w *homingtest.World) {
	w.HoldReplication("gru")
	c := w.Client("gru")
	c.Post("/entries", "", nil)
	if got := c.Get("/entries"); got.Body != "1" || got.Journey.Region != "ord" || got.Journey.Reason != decision.Stale {
		t.Errorf("the writer reads %q: %v", got.Body, got.Journey)
	}
	reads(t, w, "gru", "0")
	w.ReleaseReplication("gru")
	w.CatchUp()
	reads(t, w, "gru", "1")
}

// writesAndReads fails the test unless what is written from a region goes to another one,
// and is read next door once it has come back.
func writesAndReads(t *testing.T, w *homingtest.World, at, home region.Code, want string) {
	t.Helper()
	c := w.Client(at)
	if got := c.Post("/entries", "", nil); got.Status != http.StatusOK || got.Journey.Region != home {
		t.Errorf("a write should have gone to %s: %v", home, got.Journey)
	}
	w.CatchUp()
	if got := c.Get("/entries"); got.Body != want || got.Journey.Region != at {
		t.Errorf("the writer in %s reads %q, want %q from there: %v", at, got.Body, want, got.Journey)
	}
}

func testFailure(t *testing.T, w *homingtest.World) {
	w.StopMachine("ord")
	w.Promote("ams")
	writesAndReads(t, w, "gru", "ams", "2")
	w.StartMachine("ord")
	reads(t, w, "ord", "2")
}

func testPromote(t *testing.T, w *homingtest.World) {
	w.Promote("ord")
	writesAndReads(t, w, "gru", "ord", "3")
	// The connections that the app in ams had are dead, so its first read may go home.
	if got := w.Client("ams").Get("/entries"); got.Body != "3" {
		t.Errorf("where the primary was one reads %q: %v", got.Body, got.Journey)
	}
}
