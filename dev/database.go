package dev

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"homing"
	"homing/position"
	"homing/region"
)

// Engine is a kind of database that a world can run.
type Engine string

const (
	// None is no database: the app's own are its own matter. Its machines' Database is
	// nil, and where the primary is, they say themselves or are told.
	None Engine = "none"
	// SQLite is a file in each region, to which the primary's changes are streamed. It
	// needs nothing to be installed.
	SQLite Engine = "sqlite"
	// Postgres is a PostgreSQL cluster: the primary in one region and a streaming
	// replica in each other, nine servers at most. It needs PostgreSQL's programs.
	Postgres Engine = "postgres"
)

// ErrNoCluster: PostgreSQL's programs are missing here, or did not start.
var ErrNoCluster = errors.New("no PostgreSQL cluster can be started")

// Database is the database of one region's machine. Its methods are safe for
// concurrent use.
type Database interface {
	homing.Database
	// SQL returns the handle for the app.
	SQL() *sql.DB
	// Opened returns what the engine opened: a *sqlite.DB or a *postgres.DB.
	Opened() homing.Database
	// Look returns what was seen of the database last, without I/O.
	Look() Look
	// Close ends it, and what runs only for it.
	Close() error
}

// Look is a database at one moment.
type Look struct {
	State    position.State
	Position position.Position // what reads see
	Waiting  int               // requests that wait for a position
	// Behind says that something is missing that the primary has. A primary that is
	// stopped has nothing that could be missed.
	Behind bool
	// Lag is how long the newest change took from the primary until it could be read
	// here; 0 on the primary.
	Lag time.Duration
	// Bytes is how much of the primary's log is missing; -1: the engine does not count.
	Bytes   int64
	Problem error // why a replica gets nothing, or a primary keeps nothing for replicas
}

// databases are those of all regions, of one engine. Safe for concurrent use.
type databases interface {
	// open starts a region's database. On the primary it can be written to when this
	// returns; a replica may still have to catch up.
	open(ctx context.Context, r region.Code) (Database, error)
	// home is the region that has the primary, running or not.
	home() region.Code
	hold(r region.Code, on bool) error
	held(r region.Code) bool
	// reach says whether the primary's changes find a way to a replica in r; if they do,
	// they still may be held back.
	reach(r region.Code, ok bool)
	// catchUp waits until each region that runs and is not held back can read what the
	// primary has now, and until that has been seen by Look.
	catchUp(ctx context.Context) error
	// close comes after each Database was closed.
	close() error
}

// errAtHome: there is nothing to hold back.
func errAtHome(r region.Code) error {
	return fmt.Errorf("%s has the primary; nothing is replicated to it", r)
}

// waitFor waits until everything that home has now can be read in all regions; a nil
// database is stopped.
func waitFor(ctx context.Context, home region.Code, of func(region.Code) Database, regions []region.Code) error {
	primary := of(home)
	if primary == nil {
		return fmt.Errorf("the machine in %s is stopped", home)
	}
	pos, err := primary.Position(ctx)
	if err != nil {
		return fmt.Errorf("the database in %s: %w", home, err)
	}
	for _, r := range regions {
		db := of(r)
		if db == nil {
			continue
		}
		if err := db.Wait(ctx, pos); err != nil {
			return fmt.Errorf("the replica in %s did not catch up with %s: %w", r, home, err)
		}
	}
	return nil
}
