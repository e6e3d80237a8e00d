// Command distance measures what a replayed write costs over an ocean, with real packets
// (see package wan), against one round trip: with connections that have just been used,
// and after a pause, in which TCP forgets how much the way can take.
//
//	go run ./bench/distance                  about three minutes, most of it the pause
//	go run ./bench/distance --idle 0s        without the pause
//	go run ./bench/distance --from ams --to syd --json
//
// An edge in the one region sends each write to the machine beside it, which answers
// with a replay to the other region. Each row is one way to set up the edge's server. It
// needs Linux and root. On a machine that does other work, too, begin it with
// "nice -n -15": what is late there would be taken for distance.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"homing/region"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var progress io.Writer = os.Stderr
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		progress = io.Discard // it is a line that changes
	}
	err := run(ctx, os.Args[1:], os.Stdout, progress)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "distance:", err)
		os.Exit(1)
	}
}

// config is what the flags say.
type config struct {
	from, to region.Code
	idle     time.Duration
	tries    int
	sizes    []int // of bodies, in bytes
	json     bool
	out      string // a folder; empty: no files
}

func parse(args []string) (config, error) {
	var c config
	flags := flag.NewFlagSet("distance", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	code := func(to *region.Code) func(string) error {
		return func(s string) (err error) {
			*to, err = region.Parse(s)
			return err
		}
	}
	c.from, c.to, c.sizes = "gru", "ord", []int{1 << 10, 64 << 10, 1 << 20}
	flags.Func("from", "region of the client and its edge (default gru)", code(&c.from))
	flags.Func("to", "region of the primary (default ord)", code(&c.to))
	flags.DurationVar(&c.idle, "idle", 2*time.Minute, "how long nothing is sent before the second measurement; 0s: leave it out")
	flags.IntVar(&c.tries, "tries", 3, "how often each thing is measured, each time on a connection of its own")
	flags.BoolVar(&c.json, "json", false, "print JSON")
	flags.StringVar(&c.out, "out", "", "a folder for distance.json, distance.md and charts")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 || c.tries < 1 || c.idle < 0 {
		return c, errors.New("want flags only, one try at least, and no idle time below 0; see --help")
	}
	return c, nil
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	r, err := measure(ctx, cfg, progress)
	if err != nil {
		return err
	}
	if cfg.out != "" {
		if err := r.Write(cfg.out); err != nil {
			return err
		}
	}
	if cfg.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "\t")
		return enc.Encode(r)
	}
	return r.Print(out)
}
