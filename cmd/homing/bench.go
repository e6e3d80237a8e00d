package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homing/bench/claim"
	"homing/dev"
)

// benchFlags are the flags as they were given.
type benchFlags struct {
	demoFlags
	queries, page string
	rounds        int
	json          bool
}

func benchCommand(out, errOut io.Writer) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what sending requests home saves, and draw it",
		Long: `Measures on this machine how long users far from the primary wait: if an app's
queries cross the ocean, if its requests do (Homing), if replicas are read
without a wait, and so on. Runs several regions with a real PostgreSQL cluster
and the real distances between them, for about half a minute; prints a table,
and writes a page with charts that needs no network. Says where nothing is won.

PostgreSQL's programs must be installed.`,
		Example: `  homing bench
  homing bench --regions fra,syd --primary fra --queries 1,2,10 --rounds 5
  homing bench --json > bench.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), out, errOut)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.regions, "regions", "ord,gru,ams", "regions to run, separated by commas")
	cmd.Flags().StringVar(&f.primary, "primary", "", "region of the writable database (default the first)")
	cmd.Flags().StringVar(&f.distances, "distances", "real", `real, none, or a file of lines like "ord gru 130ms"`)
	cmd.Flags().StringVar(&f.queries, "queries", "1,5,20", "how many queries a request makes")
	cmd.Flags().IntVar(&f.rounds, "rounds", 3, "how often everything is measured; medians are shown")
	cmd.Flags().StringVar(&f.page, "out", "homing-bench.html", "the page")
	cmd.Flags().BoolVar(&f.json, "json", false, "print what was found as JSON, instead of a table")
	return cmd
}

// config checks the flags and turns them into what is measured.
func (f benchFlags) config() (claim.Config, error) {
	world, err := f.demoFlags.config()
	if err != nil {
		return claim.Config{}, err
	}
	cfg := claim.Config{Regions: world.Regions, Primary: world.Primary, Distances: world.Distances, Rounds: f.rounds}
	if len(cfg.Regions) < 2 {
		return cfg, fmt.Errorf("--regions %s is one region; add another, whose users are far from it", f.regions)
	}
	if f.rounds < 1 {
		return cfg, fmt.Errorf("--rounds %d: want 1 or more", f.rounds)
	}
	for word := range strings.SplitSeq(f.queries, ",") {
		k, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return cfg, fmt.Errorf("--queries %s: %q is no number; want some from 1 to 100, as in 1,5,20", f.queries, word)
		}
		cfg.Queries = append(cfg.Queries, k)
	}
	if err := cfg.Check(); err != nil {
		return cfg, fmt.Errorf("--queries %s: %w", f.queries, err)
	}
	return cfg, nil
}

func (f benchFlags) run(ctx context.Context, out, errOut io.Writer) error {
	f.db = string(dev.SQLite) // what demoFlags checks, and is not used here
	cfg, err := f.config()
	if err != nil {
		return err
	}
	cfg.Logger = newLogger(errOut)
	page, err := newDraft(f.page)
	if err != nil {
		return fmt.Errorf("--out %s cannot be written (%w); choose another file", f.page, err)
	}
	defer page.drop()
	show := newMeter(errOut, cfg.Estimate())
	cfg.Progress = show.set
	report, err := claim.Run(ctx, cfg)
	show.done()
	switch {
	case ctx.Err() != nil:
		return nil // as was asked for
	case errors.Is(err, dev.ErrNoCluster):
		return fmt.Errorf("%w; what is measured needs PostgreSQL 14 or newer", err)
	case err != nil:
		return oneLine(err)
	}
	content, err := report.Page()
	if err != nil {
		return err
	}
	if err := page.keep(content); err != nil {
		return fmt.Errorf("--out %s cannot be written: %w", f.page, err)
	}
	return f.present(report, out, errOut)
}

// present prints what was found.
func (f benchFlags) present(report *claim.Report, out, errOut io.Writer) error {
	if f.json {
		fmt.Fprintf(errOut, "A page with charts: %s\n", f.page)
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "\t")
		return encoder.Encode(report.Result())
	}
	if err := report.Print(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nThe same with charts, and what it does not win: %s\n", f.page)
	return err
}

// draft is a file that comes into being as a whole, or not at all.
type draft struct {
	name string
	file *os.File // nil once it is kept
}

func newDraft(name string) (*draft, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, errors.New("it is a folder")
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".homing-bench-")
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return &draft{name, file}, nil
}

func (d *draft) keep(content []byte) error {
	_, err := d.file.Write(content)
	if err = errors.Join(err, d.file.Chmod(0o644), d.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(d.file.Name(), d.name); err != nil {
		return err
	}
	d.file = nil
	return nil
}

// drop removes what was not kept.
func (d *draft) drop() {
	if d.file != nil {
		d.file.Close()
		os.Remove(d.file.Name())
	}
}

// meter shows on a terminal how far something has got, elsewhere each quarter of it.
type meter struct {
	w        io.Writer
	terminal bool
	shown    int // percent
}

func newMeter(w io.Writer, estimate time.Duration) *meter {
	fmt.Fprintf(w, "Starting the regions, and then measuring for about %v.\n", max(estimate, time.Second).Round(time.Second))
	return &meter{w: w, terminal: isTerminal(w)}
}

// set is told how much is done, from 0 to 1.
func (m *meter) set(part float64) {
	percent := int(part*100 + 0.5)
	switch {
	case m.terminal:
		const wide = 40
		full := int(part * wide)
		fmt.Fprintf(m.w, "\r\x1b[K[%s%s] %d %%", strings.Repeat("#", full), strings.Repeat("-", wide-full), percent)
	case percent >= m.shown+25:
		m.shown = percent - percent%25
		fmt.Fprintf(m.w, "%d %%\n", m.shown)
	}
}

// done takes the bar away.
func (m *meter) done() {
	if m.terminal {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
