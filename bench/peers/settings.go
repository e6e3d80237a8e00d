//go:build linux

package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settings are what the command line says.
type settings struct {
	rounds, seconds int
	quick           bool
	only, peers     []string // none: all
	with            []string // NAME=FILE
	write           string   // a folder; empty: nothing is written
	soak            time.Duration
	args            []string // as they came
}

var peerNames = []string{first, "haproxy", "caddy", "homing"}

func parse(args []string) (settings, error) {
	s := settings{args: args}
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", 10, "how often each peer is measured")
	flags.IntVar(&s.seconds, "seconds", 1, "how long, each time")
	flags.BoolVar(&s.quick, "quick", false, "one round of a second, nothing warmed up, 32 connections only")
	flags.Func("only", "scenarios to run, with commas: "+strings.Join(scenarioNames(), ","), list(&s.only))
	flags.Func("peers", "peers to run, nginx always among them, with commas: "+strings.Join(peerNames, ","), list(&s.peers))
	flags.Func("with", "NAME=FILE: another edged to measure beside ours", list(&s.with))
	flags.DurationVar(&s.soak, "soak", 0, "instead of measuring, load an edge with the race detector in it for so long")
	flags.StringVar(&s.write, "write", "", "folder for what was found: peers.json, peers.md and charts")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.quick {
		s.rounds, s.seconds = 1, 1
	}
	for _, name := range s.only {
		if !slices.Contains(scenarioNames(), name) {
			return s, fmt.Errorf("--only %s: there are %s", name, strings.Join(scenarioNames(), ", "))
		}
	}
	for _, name := range s.peers {
		if !slices.Contains(peerNames, name) {
			return s, fmt.Errorf("--peers %s: there are %s", name, strings.Join(peerNames, ", "))
		}
	}
	for _, w := range s.with {
		if name, file, _ := strings.Cut(w, "="); name == "" || file == "" {
			return s, fmt.Errorf("--with %s: want NAME=FILE", w)
		}
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("%s: there are only flags", flags.Arg(0))
	}
	if s.rounds < 1 || s.seconds < 1 {
		return s, fmt.Errorf("--rounds and --seconds must be 1 at least")
	}
	return s, nil
}

// wants reports whether a name was chosen, or none was.
func wants(chosen []string, name string) bool {
	return len(chosen) == 0 || slices.Contains(chosen, name)
}

func list(to *[]string) func(string) error {
	return func(s string) error {
		*to = append(*to, strings.Split(s, ",")...)
		return nil
	}
}
