package homingtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"homing/dev"
	"homing/region"
)

// Kinds of database for [World.Database].
const (
	// SQLite is a file in each region, to which the primary's changes are streamed.
	SQLite = dev.SQLite
	// Postgres is a PostgreSQL cluster with a server in each region, nine at most.
	Postgres = dev.Postgres
)

// World says which regions there are and what runs in them, and is what runs, once
// [Start] has returned it. Regions and App are required.
//
// Its methods are for the goroutine of the test, which they end where they fail.
// Those of its clients may be called from any.
type World struct {
	// Regions are where the app runs, as codes with blanks between: "ord gru ams".
	Regions string
	// Primary is the region of the writable database at first. Default: the first one.
	Primary region.Code
	// App makes the app of one machine. It is called for each region, and again when
	// a machine is started again.
	App func(Machine) (http.Handler, error)
	// Prepare makes tables, and whatever else should be there, in the primary's
	// database. All regions have it before any app starts. nil: nothing is made.
	Prepare func(ctx context.Context, db *sql.DB) error
	// Database is its kind. Default: [SQLite].
	Database dev.Engine
	// Distances between the regions, as round trips; [dev.RealDistances] for those of
	// the globe. nil: none, which is what most tests want.
	Distances func(a, b region.Code) time.Duration

	t   testing.TB // who is told
	run *running
}

// Start starts a world that ends with the test. All regions serve, and have what
// Prepare made, when it returns. If that fails, the test ends with a line that says
// why. A test that fails shows the last requests.
func Start(t testing.TB, world World) *World {
	t.Helper()
	w := &world
	w.t, w.run = t, newRunning(t)
	if err := w.start(); err != nil {
		w.fatal("start the world", err)
	}
	return w
}

func (w *World) start() error {
	regions, err := parseRegions(w.Regions)
	switch {
	case err != nil:
		return err
	case w.App == nil:
		return errors.New("World.App is missing, which makes the app of a machine")
	case w.Primary == "":
		w.Primary = regions[0]
	}
	// Not the test's own folder: its name may hold what a database's path may not.
	dir, err := os.MkdirTemp("", "homingtest-")
	if err != nil {
		return err
	}
	w.t.Cleanup(func() { os.RemoveAll(dir) }) // after the world has ended
	w.run.dev, err = dev.Start(w.t.Context(), dev.Config{
		Regions: regions, Primary: w.Primary, Engine: w.Database, App: w.newApp, Prepare: w.Prepare,
		Distances: w.Distances, Dir: dir, Keep: shownWhenFailed, Record: w.run.journeys.add, Logger: w.run.log,
	})
	if err == nil {
		w.t.Cleanup(func() { w.run.end(w.t) })
	}
	return err
}

func parseRegions(text string) ([]region.Code, error) {
	var all []region.Code
	for _, name := range strings.Fields(text) {
		r, err := region.Parse(name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, errors.New(`World.Regions names none; give some, as in "ord gru ams"`)
	}
	return all, nil
}

// For returns the same world for a subtest: what goes wrong fails that one, and the
// clients that it makes end with it.
func (w *World) For(t testing.TB) *World {
	view := *w
	view.t = t
	return &view
}

// fatal ends the test with one line.
func (w *World) fatal(what string, err error) {
	w.t.Helper()
	w.t.Fatalf("homingtest: %s: %s", what, oneLine(err))
}

// errorf fails the test, unless it has ended, and so may be called from any goroutine.
func (w *World) errorf(format string, args ...any) {
	w.t.Helper()
	if !w.run.ended.Load() {
		w.t.Errorf("homingtest: "+format, args...)
	}
}

// oneLine joins what [errors.Join] puts on lines of their own.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// has returns an error if there is no such region.
func (w *World) has(r region.Code) error {
	if w.run.dev.EdgeAddr(r) == "" {
		return fmt.Errorf("there is no region %q; there are %s", r, w.Regions)
	}
	return nil
}
