package dev

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"homing/fleet"
	"homing/health"
	"homing/journey"
	"homing/machine"
	"homing/region"
	"homing/supervise"
)

// Config says which regions there are and what runs in them. Regions, Primary and one
// of App, Process and Outside are required.
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
	// App starts one machine's copy of the app in this process. getenv is the
	// environment that the machine has, db its database.
	App func(getenv func(string) string, db Database) (http.Handler, error)
	// Process says how a machine's copy of the app is run as a process of its own,
	// instead of App. Its Port is set here.
	Process func(Machine) (supervise.Config, error)
	// Outside are machines whose app runs already.
	Outside []Outside
	// Machines is how many machines of App or Process a region has. Regions that are
	// not in it have one, or none beside those of Outside.
	Machines map[region.Code]int
	// Group is the machines' process group. Default "app".
	Group string
	// Limits of each machine.
	Limits fleet.Limits
	// Options are how requests and answers are treated.
	Options fleet.Options
	// Checks decide whether Process and Outside are given requests. None: they are
	// when they accept connections.
	Checks []health.Check
	// Shown are checks of Process and Outside that are shown, see [MachineStatus].
	Shown []Shown
	// Patience is how long processes may take to accept connections before Start
	// fails. Default one minute.
	Patience time.Duration
	// Workers are run once each, in the primary's region, when all else has started.
	Workers []Worker
	// Prepare is called once with the primary's database: to make tables. No app starts
	// before its own database has what Prepare made. nil: nothing to prepare.
	Prepare func(ctx context.Context, db *sql.DB) error
	// Release is called once when the databases are there and no app has started, with
	// a machine of the primary's region. nil: nothing is to be done.
	Release func(ctx context.Context, m Machine) error
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
	if c.Group == "" {
		c.Group = "app"
	}
	if c.Patience <= 0 {
		c.Patience = time.Minute
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
	if c.App == nil && c.Process == nil && len(c.Outside) == 0 {
		errs = append(errs, errors.New("nothing to run: no app"))
	}
	if c.App != nil && c.Process != nil {
		errs = append(errs, errors.New("two apps to run: a function and a process"))
	}
	errs = append(errs, c.validateMachines())
	if c.Engine != "" && c.Engine != None && c.Engine != SQLite && c.Engine != Postgres {
		errs = append(errs, fmt.Errorf("there is no engine %q; use %q, %q or %q", c.Engine, None, SQLite, Postgres))
	}
	if c.Engine == Postgres && len(c.Regions) > mostServers {
		errs = append(errs, fmt.Errorf("there are %d regions, and a PostgreSQL cluster has %d servers at most here", len(c.Regions), mostServers))
	}
	if c.Dir == "" && (c.Engine == SQLite || c.Engine == "") {
		errs = append(errs, errors.New("no folder for the databases"))
	}
	return errors.Join(errs...)
}

// started is how many machines of a region are started here.
func (c Config) started(r region.Code) int {
	if n, told := c.Machines[r]; told {
		return n
	}
	if c.App == nil && c.Process == nil || slices.ContainsFunc(c.Outside, func(o Outside) bool { return o.Region == r }) {
		return 0
	}
	return 1
}

// mostMachines is how many a region may have: more is a slip of the hand.
const mostMachines = 32

func (c Config) validateMachines() error {
	var errs []error
	for r, n := range c.Machines {
		switch {
		case !slices.Contains(c.Regions, r):
			errs = append(errs, fmt.Errorf("machines for %q, which is not among the regions", r))
		case n < 0 || n > mostMachines:
			errs = append(errs, fmt.Errorf("%d machines for %s; want 0 to %d", n, r, mostMachines))
		case n > 0 && c.App == nil && c.Process == nil:
			errs = append(errs, fmt.Errorf("machines for %s, and no app to start there", r))
		}
	}
	for i, o := range c.Outside {
		same := func(other Outside) bool { return other.Addr == o.Addr || o.ID != "" && other.ID == o.ID }
		switch {
		case !slices.Contains(c.Regions, o.Region):
			errs = append(errs, fmt.Errorf("a machine in %q, which is not among the regions", o.Region))
		case slices.ContainsFunc(c.Outside[:i], same):
			errs = append(errs, fmt.Errorf("machine %s in %s has the address or ID of another", o.Addr, o.Region))
		}
	}
	return errors.Join(errs...)
}
