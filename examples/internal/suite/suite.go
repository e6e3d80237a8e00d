// Package suite holds what every example must do, whatever it is built with: the same
// requests, in two regions with a real PostgreSQL in each.
package suite

import (
	"context"
	"database/sql"
	"net/http"
	"sync"
	"testing"

	"homing"
	"homing/examples/links"
	"homing/homingtest"
	"homing/postgres"
)

// Here is the region of the clients, where a replica is; Home is the primary's.
const (
	Here = "gru"
	Home = "ord"
)

// Way is one way of counting a visit of every link.
type Way func(*http.Request) error

// Stack is an example as it is tested.
type Stack struct {
	// App makes what runs on one machine. It serves what [links.Handler] serves.
	App func(homing.Env, *postgres.DB) (http.Handler, error)
	// Run is the program, without regions.
	Run func(context.Context) error
	// Seen are ways to write that Homing finds out in any request, Unseen those that
	// have no context of the request. Both may be nil.
	Seen, Unseen func(*postgres.DB) map[string]Way
}

// All are ways that update all links by one statement, through database/sql.
const All = "UPDATE links SET visits = visits + 1"

// Test starts the example in its regions and runs all tests.
func Test(t *testing.T, stack Stack) *homingtest.World {
	s := &started{stack: stack}
	w := homingtest.Start(t, homingtest.World{
		Regions: Home + " " + Here, Database: homingtest.Postgres, App: s.machine,
		Prepare: func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, links.Schema)
			return err
		},
	})
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) { b.test(&trial{T: t, world: w.For(t)}) })
	}
	t.Run("ways to write", func(t *testing.T) { s.testWays(&trial{T: t, world: w.For(t)}) })
	t.Run("in one region", func(t *testing.T) { s.testRun(t) })
	return w
}

// started is a stack whose machines run.
type started struct {
	stack Stack

	mu      sync.Mutex
	primary *postgres.DB
}

// machine makes the app of one machine, and beside it a handler for each way.
func (s *started) machine(m homingtest.Machine) (http.Handler, error) {
	db := m.Database.(*postgres.DB)
	if m.Region == Home {
		s.mu.Lock()
		s.primary = db
		s.mu.Unlock()
	}
	app, err := s.stack.App(m.Env, db)
	if err != nil {
		return nil, err
	}
	site, err := homing.New(homing.Config{Env: m.Env, Database: db, Logger: m.Logger})
	if err != nil {
		return nil, err
	}
	ways := http.NewServeMux()
	for _, all := range []func(*postgres.DB) map[string]Way{s.stack.Seen, s.stack.Unseen} {
		if all == nil {
			continue
		}
		for name, way := range all(db) {
			ways.Handle("/ways/"+name, way)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/ways/", site.Handler(ways))
	mux.Handle("/", app)
	return mux, nil
}

func (way Way) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := way(r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
