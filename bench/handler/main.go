// Command handler measures what Homing costs inside an app and beside it, by benchmarks
// that stand with the packages they measure: a read at the handler and each of its
// parts, how late a reader learns that the replica has its position, and what the
// sidecar's Postgres relay takes off a connection.
//
//	go run ./bench/handler                          about six minutes
//	go run ./bench/handler --rounds 1 --time 20ms   a look, within a minute and a half
//	go run ./bench/handler --only read,relay        some of the tables
//
// The benchmarks are built once and run in rounds, package after package, so that what
// else the machine does meets all of them alike; a figure is the median over the rounds.
// Names, words and units stand in list.go. Some need PostgreSQL; make setup installs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "handler:", err)
		os.Exit(1)
	}
}

// settings are what the command line says.
type settings struct {
	rounds int
	time   time.Duration // of each benchmark in each round
	groups []group
	write  string // a folder; empty: nothing is written
	args   []string
}

func parse(args []string, errOut io.Writer) (settings, error) {
	s := settings{groups: groups, args: args}
	flags := flag.NewFlagSet("handler", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.IntVar(&s.rounds, "rounds", 5, "how often each benchmark is run")
	flags.DurationVar(&s.time, "time", 300*time.Millisecond, "for how long, each time")
	only := flags.String("only", "", "tables to make, with commas: "+strings.Join(groupNames(s.groups), ","))
	flags.StringVar(&s.write, "write", "", "folder for what was found: handler.json and handler.md")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 || s.rounds < 1 || s.time <= 0 {
		return s, errors.New("want flags only, one round at least, and a time above 0; see --help")
	}
	if *only == "" {
		return s, nil
	}
	chosen := strings.Split(*only, ",")
	for _, name := range chosen {
		if !slices.Contains(groupNames(s.groups), name) {
			return s, fmt.Errorf("--only %s: there are %s", name, strings.Join(groupNames(s.groups), ", "))
		}
	}
	s.groups = slices.DeleteFunc(s.groups, func(g group) bool { return !slices.Contains(chosen, g.name) })
	return s, nil
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	s, err := parse(args, errOut)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "homing-handler-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	found, err := (&runner{settings: s, dir: dir, progress: errOut}).run(ctx)
	if err != nil {
		return err
	}
	r := report(ctx, s, found)
	if err := r.Print(out); err != nil || s.write == "" {
		return err
	}
	return r.Write(s.write)
}
