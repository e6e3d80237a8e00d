package homing

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"homing/decision"
	"homing/machine"
)

// TestAHandlerKnowsBetter is about handlers that want to be at the primary.
func TestAHandlerKnowsBetter(t *testing.T) {
	asks := func(db *fakeDB, first func(http.ResponseWriter, *http.Request)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first != nil {
				first(w, r)
			}
			if GoHome(r.Context()) {
				io.WriteString(w, "nobody sees this")
				return
			}
			io.WriteString(w, "done here")
		})
	}
	marked := func(*fakeDB, func(http.ResponseWriter, *http.Request)) http.Handler {
		return Writes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done here") }))
	}
	for _, tt := range []struct {
		name  string
		app   func(*fakeDB, func(http.ResponseWriter, *http.Request)) http.Handler
		first func(db *fakeDB) func(http.ResponseWriter, *http.Request)
		env   Env
		role  machine.Role
		home  decision.Reason // empty: it is served here
		token bool
	}{
		{"asks on a replica", asks, nil, replicaIn(), machine.Replica, decision.Asked, false},
		{"asks on the primary", asks, nil, primaryIn(), machine.Primary, "", false},
		{"asks without regions", asks, nil, in(), machine.Primary, "", false},
		{"asks when its answer has begun", asks, func(*fakeDB) func(http.ResponseWriter, *http.Request) {
			return func(w http.ResponseWriter, _ *http.Request) { http.NewResponseController(w).Flush() }
		}, replicaIn(), machine.Replica, "", false},
		{"asks when it has written past us", asks, func(db *fakeDB) func(http.ResponseWriter, *http.Request) {
			return func(_ http.ResponseWriter, r *http.Request) { db.commit(r.Context()) }
		}, replicaIn(), machine.Replica, "", true},
		{"is marked, on a replica", marked, nil, replicaIn(), machine.Replica, decision.Method, false},
		{"is marked, on the primary", marked, nil, primaryIn(), machine.Primary, "", true},
		{"is marked, without regions", marked, nil, in(), machine.Primary, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := newDB(tt.role, "5")
			var first func(http.ResponseWriter, *http.Request)
			if tt.first != nil {
				first = tt.first(db)
			}
			res := do(newSite(t, Config{Env: tt.env, Database: db}).Handler(tt.app(db, first)), request("GET", "/"))
			if got := sentHome(res); got != string(tt.home) {
				t.Errorf("sent home because of %q, want %q", got, tt.home)
			}
			body, _ := io.ReadAll(res.Body)
			if want := "done here"; tt.home == "" && string(body) != want || tt.home != "" && len(body) > 0 {
				t.Errorf("the answer is %q", body)
			}
			if got := res.Header.Get("Homing-Position") != ""; got != tt.token {
				t.Errorf("the answer has a token: %v, want %v", got, tt.token)
			}
		})
	}
}

// TestAskingTooLateNamesTheRoute also has a goroutine ask that nobody waits for.
func TestAskingTooLateNamesTheRoute(t *testing.T) {
	log, lines := logTo()
	var behind sync.WaitGroup
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		GoHome(r.Context())
		behind.Go(func() { GoHome(r.Context()) })
	})
	h := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Logger: log}).Handler(mux)
	for _, path := range []string{"/items/1", "/items/2"} {
		do(h, request("GET", path))
	}
	behind.Wait()
	if lines.count("asked to run at the primary") != 1 || lines.count(`route="GET /items/{id}"`) != 1 {
		t.Errorf("want one line for the route: %s", lines)
	}
}
