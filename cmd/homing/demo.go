package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"homing/demo"
	"homing/dev"
	"homing/dev/keys"
	"homing/fleet"
	"homing/region"
)

// demoFlags are the flags as they were given.
type demoFlags struct {
	regions, primary, distances, data, db string
	port                                  int
}

func demoCommand(out, errOut io.Writer) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a guestbook in three regions on this machine, and measure it",
		Long: `Runs the built-in guestbook in several regions at once, each with an edge, a
machine and a database, with the real distances between them on everything that
crosses. Measures itself, prints what it found, and shows every request's
journey on a page.`,
		Example: `  homing demo
  homing demo --regions fra,syd,iad --primary fra
  homing demo --distances none --port 9000
  homing demo --db postgres`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config()
			if err != nil {
				return err
			}
			cfg.Out, cfg.Logger, cfg.Keys = out, newLogger(errOut), keys.Open(os.Stdin, out)
			if isTerminal(errOut) {
				cfg.Progress = errOut
			}
			return demo.Run(cmd.Context(), cfg)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.regions, "regions", "ord,gru,ams", "regions to run, separated by commas")
	cmd.Flags().StringVar(&f.primary, "primary", "", "region of the writable database (default the first)")
	cmd.Flags().IntVar(&f.port, "port", 7600, "port of the page, the edges have the next; 0: any free")
	cmd.Flags().StringVar(&f.data, "data", "", "folder to keep SQLite's databases in (default a temporary one)")
	cmd.Flags().StringVar(&f.distances, "distances", "real", `real, none, or a file of lines like "ord gru 130ms"`)
	cmd.Flags().StringVar(&f.db, "db", "sqlite", "sqlite, or postgres: a real cluster, needs PostgreSQL's programs")
	return cmd
}

// config checks the flags and turns them into the demo's configuration.
func (f demoFlags) config() (demo.Config, error) {
	cfg := demo.Config{Port: f.port, Dir: f.data, Engine: dev.Engine(f.db)}
	switch {
	case cfg.Engine != dev.SQLite && cfg.Engine != dev.Postgres:
		return cfg, fmt.Errorf("--db %q is not there; use %s or %s", f.db, dev.SQLite, dev.Postgres)
	case cfg.Engine == dev.Postgres && f.data != "":
		return cfg, errors.New("--data is for --db sqlite; a PostgreSQL cluster begins empty each time")
	}
	var err error
	if cfg.Regions, err = f.parseRegions(); err != nil {
		return cfg, err
	}
	if f.port != 0 && (f.port < 1 || f.port+len(cfg.Regions) > 65535) {
		return cfg, fmt.Errorf("--port %d leaves no room for %d more; use one from 1 to %d", f.port, len(cfg.Regions), 65535-len(cfg.Regions))
	}
	cfg.Primary = cfg.Regions[0]
	if f.primary != "" {
		if cfg.Primary, err = f.parseRegion("--primary", f.primary); err != nil {
			return cfg, err
		}
	}
	if !slices.Contains(cfg.Regions, cfg.Primary) {
		return cfg, fmt.Errorf("--primary %s is not among --regions %s; add it there, or choose one of them", cfg.Primary, f.regions)
	}
	cfg.Distances, err = f.parseDistances(cfg.Regions)
	return cfg, err
}

func (f demoFlags) parseRegions() ([]region.Code, error) {
	var list []region.Code
	for name := range strings.SplitSeq(f.regions, ",") {
		r, err := f.parseRegion("--regions", strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if slices.Contains(list, r) {
			return nil, fmt.Errorf("--regions: %s is given twice", r)
		}
		list = append(list, r)
	}
	return list, nil
}

// parseRegion reads a region that must have a place, if distances come from
// places.
func (f demoFlags) parseRegion(flag, name string) (region.Code, error) {
	r, err := region.Parse(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	if r.IsAlias() {
		return "", fmt.Errorf("%s: %s is a group of regions; name one of them", flag, r)
	}
	if _, known := r.Place(); known || f.distances != "real" {
		return r, nil
	}
	if s, ok := region.Suggest(name); ok {
		return "", fmt.Errorf("%s: there is no region %q; did you mean %s (%s)?", flag, name, s, s.City())
	}
	return "", fmt.Errorf("%s: there is no region %q; use one of %s, or give --distances for regions of your own", flag, name, join(region.Known()))
}

func join(codes []region.Code) string {
	names := make([]string, len(codes))
	for i, c := range codes {
		names[i] = string(c)
	}
	return strings.Join(names, " ")
}

func (f demoFlags) parseDistances(regions []region.Code) (fleet.Distances, error) {
	switch f.distances {
	case "real":
		return dev.RealDistances, nil
	case "none":
		return dev.NoDistances, nil
	}
	file, err := os.Open(f.distances)
	if err != nil {
		return nil, fmt.Errorf(`--distances %s: %w; want "real", "none" or a file`, f.distances, errors.Unwrap(err))
	}
	defer file.Close()
	d, err := dev.ReadDistances(file, regions)
	if err != nil {
		return nil, fmt.Errorf("--distances %s: %w", f.distances, err)
	}
	return d, nil
}

// newLogger logs what an operator should know, in colour on a terminal.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(tint.NewHandler(w, &tint.Options{
		Level: slog.LevelWarn, TimeFormat: "15:04:05", NoColor: !isTerminal(w) || os.Getenv("NO_COLOR") != "",
	}))
}
