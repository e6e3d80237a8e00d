package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// round is what was measured once: values by unit, by benchmark.
type round map[key]map[string]float64

// runner runs the benchmarks of some groups.
type runner struct {
	settings
	dir      string // for programs
	progress io.Writer
}

// run builds all packages and runs them in turn, round after round.
func (r *runner) run(ctx context.Context) ([]round, error) {
	pkgs := packages(r.groups)
	fmt.Fprintf(r.progress, "building the benchmarks of %d packages; then %d rounds\n", len(pkgs), r.rounds)
	for _, pkg := range pkgs {
		if err := r.build(ctx, pkg); err != nil {
			return nil, err
		}
	}
	var all []round
	for n := range r.rounds {
		begun, now := time.Now(), round{}
		for _, pkg := range pkgs {
			if err := r.measure(ctx, pkg, now); err != nil {
				return nil, err
			}
		}
		if missing := missing(r.groups, now); len(missing) > 0 {
			return nil, fmt.Errorf("list.go names what is not measured: %s", strings.Join(missing, ", "))
		}
		all = append(all, now)
		took := time.Since(begun).Round(time.Second)
		fmt.Fprintf(r.progress, "round %d of %d took %v; about %v left\n", n+1, r.rounds, took, took*time.Duration(r.rounds-n-1))
	}
	return all, nil
}

// program is the file of a package's benchmarks.
func (r *runner) program(pkg string) string {
	return filepath.Join(r.dir, "x"+strings.NewReplacer("/", "-", ".", "").Replace(pkg))
}

func (r *runner) build(ctx context.Context, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", r.program(pkg), pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the benchmarks of %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// measure runs a package's benchmarks once, in its folder as go test does.
func (r *runner) measure(ctx context.Context, pkg string, into round) error {
	cmd := exec.CommandContext(ctx, r.program(pkg), "-test.run", "^$", "-test.bench", pattern(r.groups, pkg),
		"-test.benchmem", "-test.benchtime", r.time.String())
	cmd.Dir = pkg
	// As at a terminal's interrupt, servers that it has started are told to end.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("benchmarks of %s: %w\n%s%s", pkg, err, out, errOut.Bytes())
	}
	return read(bytes.NewReader(out), pkg, into)
}

// missing are the benchmarks that a round should have, and has not.
func missing(groups []group, now round) []string {
	var names []string
	for _, g := range groups {
		for _, l := range g.lines {
			for _, k := range l.keys() {
				if name := k.pkg + " " + k.bench; now[k] == nil && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}
