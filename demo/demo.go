// Package demo is "homing demo": the guestbook in several regions on one machine,
// measured, with a page that shows what happens.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"homing"
	"homing/dashboard"
	"homing/demo/guestbook"
	"homing/dev"
	"homing/dev/keys"
	"homing/fleet"
	"homing/region"
)

// Config says what the demo runs.
type Config struct {
	Regions   []region.Code
	Primary   region.Code
	Engine    dev.Engine // empty: SQLite
	Distances fleet.Distances
	// Port is the page's; the edges have those that follow. 0: any free ones.
	Port int
	// Dir keeps SQLite's databases. Empty: a temporary folder, removed at the end.
	Dir string
	// Out gets what was measured, and what to try.
	Out io.Writer
	// Keys is the terminal whose keys steer what runs. nil: none.
	Keys *keys.Terminal
	// Progress gets a line that is written over while something takes long; nil:
	// nothing.
	Progress io.Writer
	// Logger gets what the regions say while they run.
	Logger *slog.Logger
}

// Run runs the demo until ctx ends, and leaves nothing behind.
func Run(ctx context.Context, cfg Config) (err error) {
	page, err := dev.Listen(cfg.Port, "the page")
	if err != nil {
		return err
	}
	defer page.Close()
	dir, remove, err := folder(cfg.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()

	show := newProgress(cfg.Progress)
	show.say("Starting %d regions", len(cfg.Regions))
	world, err := start(ctx, cfg, dir)
	if err != nil {
		show.done()
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	return interrupted(ctx, present(ctx, cfg, world, page, show))
}

// interrupted makes an error that Ctrl-C caused the end that was asked for.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func start(ctx context.Context, cfg Config, dir string) (*dev.World, error) {
	first := 0
	if cfg.Port != 0 {
		first = cfg.Port + 1
	}
	prepare := guestbook.Migrate
	if cfg.Engine == dev.Postgres {
		prepare = guestbook.MigratePostgres
	}
	world, err := dev.Start(ctx, dev.Config{
		Regions: cfg.Regions, Primary: cfg.Primary, Engine: cfg.Engine, Name: "guestbook", Distances: cfg.Distances,
		Port: first, Dir: dir, Logger: cfg.Logger, Prepare: prepare,
		App: func(getenv func(string) string, db dev.Database) (http.Handler, error) {
			return newApp(getenv, db, cfg.Logger)
		},
	})
	return world, dev.Explain(err)
}

// newApp is the guestbook as it runs in every region.
func newApp(getenv func(string) string, db dev.Database, log *slog.Logger) (http.Handler, error) {
	env, err := homing.FromLookup(getenv)
	if err != nil {
		return nil, err
	}
	site, err := homing.New(homing.Config{Env: env, Database: db, Logger: log.With("region", env.Region)})
	if err != nil {
		return nil, err
	}
	book := guestbook.New(db.SQL(), guestbook.Self{Region: string(env.Region), Machine: string(env.ID)})
	return site.Handler(book), nil
}

// present measures, prints, and serves the page until ctx ends.
func present(ctx context.Context, cfg Config, world *dev.World, page net.Listener, show *progress) error {
	found, err := measure(ctx, cfg, world, show)
	show.done()
	if err != nil {
		return fmt.Errorf("the demo could not measure itself: %w", err)
	}
	srv := &http.Server{
		Handler: dashboard.New(dashboard.Config{
			World: world, Metrics: world.Metrics().Handler(), Primary: cfg.Primary, App: "guestbook", Measured: found.rows(), MeasuredFrom: found.from,
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	defer srv.Close()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(page) }()
	printReport(cfg.Out, cfg, world, found)
	printTry(cfg.Out, cfg, world, page.Addr().(*net.TCPAddr).Port)
	ctx, quit := context.WithCancel(ctx)
	var pressed sync.WaitGroup
	pressed.Go(func() {
		keys.Run(ctx, keys.Config{Terminal: cfg.Keys, World: world, Out: cfg.Out, Page: "http://" + page.Addr().String(), Quit: quit})
	})
	defer pressed.Wait()
	defer quit()
	select {
	case err := <-failed:
		return fmt.Errorf("the page: %w", err)
	case <-ctx.Done():
		return nil
	}
}

// folder returns the folder for the databases, and what removes it if it is a
// temporary one.
func folder(dir string) (string, func() error, error) {
	if dir == "" {
		dir, err := os.MkdirTemp("", "homing-demo-")
		if err != nil {
			err = fmt.Errorf("no temporary folder can be made (%w); choose a folder with --data", err)
		}
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = probe(dir)
	}
	if err != nil {
		err = fmt.Errorf("--data %s cannot be written to (%w); choose another folder", dir, errors.Unwrap(err))
	}
	return dir, func() error { return nil }, err
}

// probe reports whether files can be made in dir.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, ".homing-probe-")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}
