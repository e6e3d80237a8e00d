package edge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"homing/edge/recall"
	"homing/fleet"
	"homing/forward"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

// Config says what an edge serves. Region and Fleet are required.
type Config struct {
	// Region is where this edge is; machines are told it as Fly-Region.
	Region region.Code
	// App is the app that requests are for whose host is no app's in the fleet.
	// Empty: such requests are answered with 404.
	App machine.App
	// Queue is where requests wait while every machine is at its hard limit. The
	// zero value has the protocol's numbers.
	Queue fleet.Queue
	// PrimaryWait is how long a request that belongs at the primary waits while there
	// is none. Default 5 s. PrimaryQueue is how many may wait so; default 1,000.
	PrimaryWait  time.Duration
	PrimaryQueue int
	// Fleet tells which machines there are.
	Fleet *fleet.Fleet
	// Machines says how machines are reached. The zero value dials directly.
	Machines forward.Config
	// BodyLimit is how many bytes of a request's body are kept for a replay.
	// Default 10 MiB. A larger body can be replayed only as long as no machine has
	// read of it; after that a replay fails (PA01).
	BodyLimit int64
	// BodyBudget bounds what all kept bodies hold together. Default 256 MiB.
	BodyBudget int64
	// CacheBytes bounds the replay cache. Default 16 MiB, enough for some
	// twenty-five thousand replays. There is no way to switch it off: an app that asks for
	// nothing to be cached is always asked.
	CacheBytes int64
	// NoTLS says that clients cannot reach this edge by TLS, as on a laptop: then
	// nobody is redirected to HTTPS, whatever an app's options say.
	NoTLS bool
	// Record is called once for each request, when it has ended, from the
	// request's goroutine; it must be quick, and clone what it keeps. nil: no records
	// but the log's.
	Record func(*journey.Record)
	// Logger gets a line for each request: at level debug, or warn where
	// something went wrong. No request waits for it, and of lines that it is too slow
	// for it hears how many they were. nil: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.BodyLimit <= 0 {
		c.BodyLimit = 10 << 20
	}
	if c.PrimaryWait <= 0 {
		c.PrimaryWait = 5 * time.Second
	}
	if c.PrimaryQueue <= 0 {
		c.PrimaryQueue = 1000
	}
	if c.BodyBudget <= 0 {
		c.BodyBudget = 256 << 20
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = 16 << 20
	}
	if c.Record == nil {
		c.Record = func(*journey.Record) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.Region == "" || c.Region.IsAlias() {
		errs = append(errs, errors.New("edge: Region must name one region"))
	}
	if c.Fleet == nil {
		errs = append(errs, errors.New("edge: Fleet must be set"))
	}
	return errors.Join(errs...)
}

// Edge forwards requests and replays them. Create it with [New]. Safe for
// concurrent use.
type Edge struct {
	cfg    Config
	pool   *forward.Pool
	budget *forward.Budget
	recall *recall.Cache

	vigil   vigil
	tunnels tunnels
	logbook logbook
}

// New returns an edge. The error joins all that is wrong with cfg.
func New(cfg Config) (*Edge, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Edge{
		cfg:    cfg,
		pool:   forward.NewPool(cfg.Machines),
		budget: forward.NewBudget(cfg.BodyBudget),
		vigil:  vigil{patience: cfg.PrimaryWait, most: int64(cfg.PrimaryQueue)},
		recall: recall.New(cfg.CacheBytes),

		logbook: logbook{logger: cfg.Logger},
	}, nil
}

// Close closes idle connections to machines and ends tunnels, and gives the log a second
// for the lines that it has not taken yet. Requests under way go on.
func (e *Edge) Close() {
	e.pool.Close()
	e.tunnels.closeAll()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	e.logbook.flush(ctx)
}

// KeptBytes returns how many bytes of request bodies are held now.
func (e *Edge) KeptBytes() int64 { return e.budget.Used() }
