//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	// Processes that we start are told to end when the thread ends that started them.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		clearProgress()
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "homing-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.soak > 0 {
		return runSoak(ctx, out, dir, s.soak)
	}
	b := &bench{settings: s, out: out, dir: dir}
	if err := b.gather(ctx); err != nil {
		return err
	}
	if b.origin, err = startOrigin(ctx, dir, filepath.Join(dir, "origin")); err != nil {
		return err
	}
	defer b.origin.stop()
	found := newReport(s)
	for _, scenario := range scenarios() {
		if !s.runs(scenario) {
			continue
		}
		step("measuring %s", scenario.name)
		t, err := scenario.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.name, err)
		}
		clearProgress()
		if err := t.Print(out); err != nil {
			return err
		}
		found.add(scenario, t)
	}
	if s.write == "" {
		return nil
	}
	return found.write(ctx, b.peers, s.write)
}
