package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homing/dev"
	"homing/dev/app"
	"homing/dev/command"
	"homing/dev/keys"
	"homing/flytoml"
	"homing/machine"
	"homing/region"
)

// devFlags are the flags as they were given. Those of regions are the demo's, too.
type devFlags struct {
	demoFlags
	config    string
	machines  []string
	outside   []string
	noRelease bool
	sidecar   bool
	patience  time.Duration
}

func devCommand(out, errOut io.Writer) *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev [flags] [-- command …]",
		Short: "Run the app in this folder in several regions on this machine",
		Long: `Runs an app of any language in several regions at once, from its fly.toml and
without touching its code: a process for each machine, with the variables that it
has on Fly, behind an edge for each region that carries out fly-replay, with the
real distances on everything that crosses. A page shows every request's journey.

The command is what follows --, or else what Procfile.dev, bin/dev, package.json,
manage.py, artisan, fly.toml's [processes] or the Dockerfile's CMD says. It must
listen on $PORT, which is another one for each machine. {port}, {region},
{machine} and {dir} (a folder of the machine's own) stand for what they say, in
the command and in the variables of fly.toml, .env and the shell.

While it runs, a region can be cut off or stopped, its replication be held back, its
database be promoted: on the page, by keys (h lists them), or by the subcommands
below from another terminal.`,
		Example: `  homing dev
  homing dev -- bin/rails server -p {port}
  homing dev --regions fra,syd,iad --machines syd=2
  homing dev --machine ord=http://127.0.0.1:3000 --machine gru=http://127.0.0.1:3001
  homing dev stop gru        (in another terminal)`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, words []string) error {
			cfg, err := f.read(cmd, words)
			if err != nil {
				return err
			}
			cfg.Out, cfg.Logger, cfg.Keys = out, newLogger(errOut), keys.Open(os.Stdin, out)
			cfg.Colour = isTerminal(out) && os.Getenv("NO_COLOR") == ""
			return app.Run(cmd.Context(), cfg)
		},
	}
	cmd.AddCommand(devControls(out)...)
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.regions, "regions", "", "regions to run, separated by commas (default the primary and two far ones)")
	cmd.Flags().StringVar(&f.primary, "primary", "", "region of the writable database (default fly.toml's primary_region, or the first)")
	cmd.Flags().StringSliceVar(&f.machines, "machines", nil, `how many machines regions have, as "gru=2"; others have one`)
	cmd.Flags().StringArrayVar(&f.outside, "machine", nil, `a machine that runs already, as "gru=http://127.0.0.1:3001" or "gru/ID=…"; may be repeated`)
	cmd.Flags().StringVar(&f.db, "db", "none", "none: the app has its own; sqlite: a file for each region; postgres: a real cluster")
	cmd.Flags().StringVar(&f.distances, "distances", "real", `real, none, or a file of lines like "ord gru 130ms"`)
	cmd.Flags().IntVar(&f.port, "port", 7600, "port of the page, the edges have the next; 0: any free")
	cmd.Flags().BoolVar(&f.sidecar, "sidecar", false, "put \"homing sidecar\" around each copy, for an app that knows nothing of regions")
	cmd.Flags().StringVar(&f.config, "config", "fly.toml", "the app's file")
	cmd.Flags().BoolVar(&f.noRelease, "no-release", false, "leave out fly.toml's release command")
	cmd.Flags().DurationVar(&f.patience, "patience", time.Minute, "how long the app may take to listen")
	return cmd
}

// read reads the flags and the app's folder.
func (f devFlags) read(cmd *cobra.Command, words []string) (cfg app.Config, err error) {
	cfg = app.Config{
		Dir: filepath.Dir(f.config), Engine: dev.Engine(f.db), Port: f.port, NoRelease: f.noRelease, Patience: f.patience,
		Machines: map[region.Code]int{},
	}
	if cfg.Engine != dev.None && cfg.Engine != dev.SQLite && cfg.Engine != dev.Postgres {
		return cfg, fmt.Errorf("--db %q is not there; use %s, %s or %s", f.db, dev.None, dev.SQLite, dev.Postgres)
	}
	if len(words) > 0 && cmd.ArgsLenAtDash() != 0 {
		return cfg, fmt.Errorf("%q: a command comes after --, as in: homing dev -- %s", words[0], strings.Join(words, " "))
	}
	if cfg.File, err = f.file(cmd.Flags().Changed("config")); err != nil {
		return cfg, err
	}
	if cfg.Outside, err = f.parseOutside(); err != nil {
		return cfg, err
	}
	if cfg.Found, err = f.find(cfg, words); err != nil {
		return cfg, err
	}
	if cfg.Regions, cfg.Primary, err = f.places(cfg); err != nil {
		return cfg, err
	}
	if f.port != 0 && (f.port < 1 || f.port+len(cfg.Regions) > 65535) {
		return cfg, fmt.Errorf("--port %d leaves no room for %d more; use one from 1 to %d", f.port, len(cfg.Regions), 65535-len(cfg.Regions))
	}
	if err := f.parseMachines(cfg); err != nil {
		return cfg, err
	}
	if cfg.Variables, err = command.ReadDotEnv(cfg.Dir); err != nil {
		return cfg, err
	}
	cfg.Variables = append(cfg.Variables, os.Environ()...)
	cfg.Sidecar = f.sidecar
	if cfg.Homing, err = os.Executable(); err != nil {
		cfg.Homing = "homing" // it may be in PATH
	}
	cfg.Distances, err = f.parseDistances(cfg.Regions)
	return cfg, err
}

// file reads fly.toml; it may be missing, unless it was asked for.
func (f devFlags) file(asked bool) (*flytoml.File, error) {
	file, err := os.Open(f.config)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !asked:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("--config %s: %w", f.config, errors.Unwrap(err))
	}
	defer file.Close()
	return flytoml.Read(file, f.config)
}

// find returns what to start. Where all machines run already that is nothing, unless a
// command was given.
func (f devFlags) find(cfg app.Config, words []string) (command.Found, error) {
	if len(words) > 0 {
		return command.Found{Web: command.Given(words)}, nil
	}
	if len(cfg.Outside) > 0 && f.regions == "" && len(f.machines) == 0 {
		return command.Found{}, nil
	}
	found, err := command.Find(cfg.Dir, cfg.File)
	if errors.Is(err, command.ErrNone) && cfg.File == nil {
		err = fmt.Errorf("there is no %s here, and %w", f.config, err)
	}
	return found, err
}

// places returns the regions and the primary among them.
func (f devFlags) places(cfg app.Config) (regions []region.Code, primary region.Code, err error) {
	flag, name := "--primary", f.primary
	if name == "" && cfg.File != nil {
		flag, name = f.config+": primary_region", string(cfg.File.PrimaryRegion)
	}
	if name != "" {
		if primary, err = f.parseRegion(flag, name); err != nil {
			return nil, "", err
		}
	}
	switch {
	case f.regions != "":
		if regions, err = f.parseRegions(); err != nil {
			return nil, "", err
		}
	case cfg.Found.Web.String() == "":
		for _, o := range cfg.Outside {
			if !slices.Contains(regions, o.Region) {
				regions = append(regions, o.Region)
			}
		}
	default:
		regions = farFrom(primary)
		for _, o := range cfg.Outside {
			if !slices.Contains(regions, o.Region) {
				regions = append(regions, o.Region)
			}
		}
	}
	if primary == "" {
		primary = regions[0]
	}
	if !slices.Contains(regions, primary) {
		return nil, "", fmt.Errorf("%s %s is not among the regions %s; add it to --regions, or choose another with --primary", flag, primary, join(regions))
	}
	return regions, primary, nil
}

// near is a round trip that nobody would have a replica for.
const near = 50 * time.Millisecond

// farFrom returns three regions: the primary, and two that are far from it.
func farFrom(primary region.Code) []region.Code {
	var list []region.Code
	if primary != "" {
		list = append(list, primary)
	}
	for _, r := range []region.Code{"ord", "gru", "ams", "sin"} {
		way, known := region.RoundTrip(primary, r)
		if r != primary && (!known || way > near) && len(list) < 3 {
			list = append(list, r)
		}
	}
	return list
}

// parseOutside reads what --machine says.
func (f devFlags) parseOutside() ([]dev.Outside, error) {
	var list []dev.Outside
	for _, text := range f.outside {
		at, target, ok := strings.Cut(text, "=")
		name, id, named := strings.Cut(at, "/")
		if !ok {
			return nil, fmt.Errorf(`--machine %s: want a region and a URL, as in "gru=http://127.0.0.1:3001"`, text)
		}
		r, err := f.parseRegion("--machine", name)
		if err != nil {
			return nil, err
		}
		o := dev.Outside{Region: r}
		if named {
			if o.ID, err = machine.ParseID(id); err != nil {
				return nil, fmt.Errorf("--machine: %w", err)
			}
		}
		if o.Addr, err = address(target); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// address is the host and port of a URL.
func address(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" || u.Port() == "" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return "", errors.New(`--machine: want the URL of a server without a path, as in "http://127.0.0.1:3001"`)
	}
	return u.Host, nil
}

// parseMachines reads what --machines says into cfg.
func (f devFlags) parseMachines(cfg app.Config) error {
	for _, text := range f.machines {
		name, count, ok := strings.Cut(text, "=")
		n, err := strconv.Atoi(count)
		if !ok || err != nil {
			return fmt.Errorf(`--machines %s: want a region and a number, as in "gru=2"`, text)
		}
		r, err := f.parseRegion("--machines", name)
		if err != nil {
			return err
		}
		if !slices.Contains(cfg.Regions, r) {
			return fmt.Errorf("--machines %s: %s is not among the regions %s; add it to --regions", text, r, join(cfg.Regions))
		}
		cfg.Machines[r] = n
	}
	return nil
}
