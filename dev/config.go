package dev

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"homing/fleet"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

// Config says which regions there are and what runs in them. Regions, Primary and App
// are required.
type Config struct {
	// Regions are where the app runs, each once. They get their ports in this
	// order.
	Regions []region.Code
	// Primary is the region of the writable database, one of Regions.
	Primary region.Code
	// Engine is the kind of database. Default [SQLite].
	Engine Engine
	// Name is the app's. Default: "app".
	Name machine.App
	// App starts one machine's copy of the app. getenv is the environment that
	// the machine has, db its database.
	App func(getenv func(string) string, db Database) (http.Handler, error)
	// Prepare is called once with the primary's database: to make tables. No app starts
	// before its own database has what Prepare made. nil: nothing to prepare.
	Prepare func(ctx context.Context, db *sql.DB) error
	// Distances between the regions, as round trips. nil: none.
	Distances fleet.Distances
	// Port is the first edge's; the others follow. 0: any free ones.
	Port int
	// Dir holds SQLite's databases, which need it. It must exist. A PostgreSQL cluster
	// has a folder of its own, which goes with it.
	Dir string
	// Record is told of each request when it has ended, by several goroutines at once. It
	// must return soon. nil: nobody is told.
	Record func(*journey.Record)
	// Keep is how many journeys are remembered. Default 200.
	Keep int
	// Logger gets what the edges and databases say. nil: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Engine == "" {
		c.Engine = SQLite
	}
	if c.Name == "" {
		c.Name = "app"
	}
	if c.Distances == nil {
		c.Distances = NoDistances
	}
	if c.Prepare == nil {
		c.Prepare = func(context.Context, *sql.DB) error { return nil }
	}
	if c.Record == nil {
		c.Record = func(*journey.Record) {}
	}
	if c.Keep == 0 {
		c.Keep = 200
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if len(c.Regions) == 0 {
		errs = append(errs, errors.New("no regions"))
	}
	for i, r := range c.Regions {
		switch {
		case r.IsAlias():
			errs = append(errs, fmt.Errorf("%q is a group of regions; name one of them", r))
		case slices.Contains(c.Regions[:i], r):
			errs = append(errs, fmt.Errorf("region %q is given twice", r))
		}
	}
	if !slices.Contains(c.Regions, c.Primary) {
		errs = append(errs, fmt.Errorf("the primary %q is not among the regions", c.Primary))
	}
	if c.App == nil {
		errs = append(errs, errors.New("nothing to run: no app"))
	}
	if c.Engine != "" && c.Engine != SQLite && c.Engine != Postgres {
		errs = append(errs, fmt.Errorf("there is no engine %q; use %q or %q", c.Engine, SQLite, Postgres))
	}
	if c.Engine == Postgres && len(c.Regions) > mostServers {
		errs = append(errs, fmt.Errorf("there are %d regions, and a PostgreSQL cluster has %d servers at most here", len(c.Regions), mostServers))
	}
	if c.Dir == "" && c.Engine != Postgres {
		errs = append(errs, errors.New("no folder for the databases"))
	}
	return errors.Join(errs...)
}
