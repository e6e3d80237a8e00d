//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

func main() {
	// Processes that we start are told to end when the thread ends that started them.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	out     io.Writer
	dir     string // for what processes write
	origin  *origin
	peers   []peer
	rounds  int
	seconds int
}

func run(ctx context.Context, args []string, out io.Writer) error {
	b := &bench{out: out}
	var only, with []string
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.IntVar(&b.rounds, "rounds", 5, "how often each peer is measured")
	flags.IntVar(&b.seconds, "seconds", 3, "how long, each time")
	quick := flags.Bool("quick", false, "one round of a second")
	flags.Func("only", "scenarios to run, with commas", list(&only))
	flags.Func("with", "NAME=FILE: another edged to measure beside ours", list(&with))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		b.rounds, b.seconds = 1, 1
	}
	dir, err := os.MkdirTemp("", "homing-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := b.prepare(ctx, with); err != nil {
		return err
	}
	defer b.origin.stop()
	for _, s := range scenarios {
		if len(only) > 0 && !slices.Contains(only, s.name) {
			continue
		}
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func list(to *[]string) func(string) error {
	return func(s string) error {
		*to = append(*to, strings.Split(s, ",")...)
		return nil
	}
}

// prepare builds what is ours and starts the origin.
func (b *bench) prepare(ctx context.Context, with []string) error {
	b.progress("building the edge and the origin")
	if err := build(ctx, b.dir, "edged", "origin"); err != nil {
		return err
	}
	b.peers = append(peers(), edged("homing", filepath.Join(b.dir, "edged")))
	for _, w := range with {
		name, file, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("--with %s: want NAME=FILE", w)
		}
		b.peers = append(b.peers, edged(name, file))
	}
	var err error
	b.origin, err = startOrigin(ctx, b.dir, filepath.Join(b.dir, "origin"))
	return err
}

// build builds commands of this folder into dir.
func build(ctx context.Context, dir string, commands ...string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this program does not know its module; start it with go run ./bench/peers")
	}
	argv := []string{"build", "-o", dir + "/"}
	for _, c := range commands {
		argv = append(argv, info.Main.Path+"/bench/peers/"+c)
	}
	if said, err := exec.CommandContext(ctx, "go", argv...).CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(argv, " "), err, said)
	}
	return nil
}

// progress says what is going on.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...)
}

func (b *bench) show(t table) {
	fmt.Fprint(os.Stderr, "\r\033[K")
	t.write(b.out)
}

func (b *bench) startAll(ctx context.Context, peers []peer) ([]*proxy, error) {
	var running []*proxy
	for _, p := range peers {
		run, err := p.start(ctx, b.dir, b.origin)
		if err != nil {
			stopAll(running)
			return nil, err
		}
		running = append(running, run)
	}
	return running, nil
}

func stopAll(running []*proxy) {
	for _, p := range running {
		p.stop()
	}
}
