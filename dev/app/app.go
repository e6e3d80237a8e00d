package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"homing/dashboard"
	"homing/dev"
	"homing/dev/keys"
	"homing/machine"
	"homing/supervise"
)

type app struct {
	cfg Config
	dir string // of the machines' own folders
	out *output
}

// Run runs the app until ctx ends, and leaves nothing behind.
func Run(ctx context.Context, cfg Config) (err error) {
	page, err := dev.Listen(cfg.Port, "the page")
	if err != nil {
		return err
	}
	defer page.Close()
	dir, err := os.MkdirTemp("", "homing-dev-")
	if err != nil {
		return fmt.Errorf("no temporary folder can be made: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a := &app{cfg: cfg, dir: dir}
	a.out = newOutput(cfg.Out, cfg.Colour, a.names())
	a.announce()
	world, err := dev.Start(ctx, a.world())
	if err != nil {
		return interrupted(ctx, dev.Explain(hint(err)))
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	return interrupted(ctx, a.present(ctx, world, page))
}

// interrupted makes an error that Ctrl-C caused the end that was asked for.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// hint adds to the error of an app that listens on the same port everywhere what to do
// about that: it is what most apps fail for that were made to be alone.
func hint(err error) error {
	var ended *supervise.ExitError
	if !errors.As(err, &ended) || !slices.ContainsFunc(ended.Exit.Last, saysInUse) {
		return err
	}
	return fmt.Errorf("%w; each machine has a port of its own: have the app listen on $PORT, or tell it with {port} in its command", err)
}

// saysInUse reports whether a line is how a language says EADDRINUSE.
func saysInUse(line string) bool {
	line = strings.ToLower(line)
	return strings.Contains(line, "eaddrinuse") || strings.Contains(line, "address already in use") || strings.Contains(line, "port is already in use")
}

// name is the app's.
func (a *app) name() machine.App { return cmp.Or(a.cfg.file().App, "app") }

// world is what package dev runs.
func (a *app) world() dev.Config {
	cfg := dev.Config{
		Regions: a.cfg.Regions, Primary: a.cfg.Primary, Engine: a.cfg.Engine, Name: a.name(), Group: a.group(),
		Machines: a.cfg.Machines, Outside: a.cfg.Outside, Distances: a.cfg.Distances, Dir: a.dir,
		Patience: a.cfg.Patience, Release: a.release, Workers: a.workers(), Logger: a.cfg.Logger,
	}
	if a.cfg.Port != 0 {
		cfg.Port = a.cfg.Port + 1
	}
	if a.cfg.Found.Web.String() != "" {
		cfg.Process = func(m dev.Machine) (supervise.Config, error) { return a.web(m) }
	}
	if service, ok := a.cfg.file().HTTPService(); ok {
		cfg.Limits, cfg.Options, cfg.Checks = service.Limits, service.Options, checks(service)
	}
	cfg.Shown = a.shown()
	return cfg
}

// names are those that lines of the log begin with.
func (a *app) names() []string {
	names := []string{"release"}
	if len(a.cfg.file().Deploy.Release.Args) == 0 {
		names = nil
	}
	for _, r := range a.cfg.Regions {
		name := string(r)
		if n := a.cfg.Machines[r]; n > 1 {
			name += "/" + strconv.Itoa(n)
		}
		names = append(names, name)
	}
	for _, w := range a.workers() {
		names = append(names, w.Group)
	}
	return names
}

// announce says what is about to run.
func (a *app) announce() {
	if web := a.cfg.Found.Web; web.String() != "" {
		from := ""
		if web.From != "" {
			from = ", from " + web.From
		}
		a.out.say("Starting %s%s\n", web, from)
	}
	if len(a.cfg.file().Deploy.Release.Args) > 0 && !a.cfg.NoRelease {
		a.out.say("First, once: %s, the release command of fly.toml\n", a.cfg.File.Deploy.Release.Text)
	}
}

// present serves the page until ctx ends, and says where everything is.
func (a *app) present(ctx context.Context, world *dev.World, page net.Listener) error {
	srv := &http.Server{
		Handler: dashboard.New(dashboard.Config{
			World: world, Metrics: world.Metrics().Handler(), Primary: a.cfg.Primary, App: string(a.name()),
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	defer srv.Close()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(page) }()
	text := "\nAs a user in\n"
	for _, s := range world.Statuses() {
		home := ""
		if s.Primary {
			home = ", the primary region"
		}
		text += fmt.Sprintf("  %-12s %s%s\n", s.Region.City(), s.EdgeURL(), home)
	}
	at := "http://" + page.Addr().String()
	a.out.say("%sSee what happens:\n  %s\n%sCtrl-C ends it.\n\n", text, at, a.cfg.Keys.Hint())
	ctx, quit := context.WithCancel(ctx)
	var pressed sync.WaitGroup
	pressed.Go(func() {
		keys.Run(ctx, keys.Config{Terminal: a.cfg.Keys, World: world, Out: a.out, Page: at, Quit: quit})
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
