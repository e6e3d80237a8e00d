//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"time"
)

// soak is one long run of everything at once, against an edge that was built with the
// race detector.
type soak struct {
	out   io.Writer
	dir   string
	edge  *proxy
	near  *machine
	home  *machine
	seen  *ledger
	tally tally
	left  string // the edge's goroutines at the end, if they are too many
}

// runSoak loads the edge for so long, then waits until it holds no more than before.
// The error says what it lost, if anything.
func runSoak(ctx context.Context, out io.Writer, dir string, length time.Duration) error {
	s := &soak{out: out, dir: dir, seen: &ledger{runs: map[string]bool{}}, tally: tally{count: map[string]map[string]int{}}}
	step("building the edge with the race detector")
	if err := build(ctx, dir, []string{"-race"}, "edged"); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	defer s.stop()
	// What is loaded and pooled for good is there before the first look.
	if err := s.load(ctx, "warming up", min(5*time.Second, length)); err != nil {
		return err
	}
	before, err := s.quiet(ctx, holding{})
	if err != nil {
		return err
	}
	if err := s.load(ctx, "under load", length); err != nil {
		return err
	}
	after, err := s.quiet(ctx, before)
	if err != nil {
		return err
	}
	if !after.within(before) {
		s.left, _ = s.edge.tell(ctx, "/debug/pprof/goroutine?debug=1") // without it the error says less
	}
	s.edge.stop() // it writes its races to the last
	clearProgress()
	return s.conclude(before, after)
}

func (s *soak) start(ctx context.Context) (err error) {
	if s.near, err = newMachine(false, s.seen); err != nil {
		return err
	}
	if s.home, err = newMachine(true, s.seen); err != nil {
		s.near.die()
		return err
	}
	s.edge = &proxy{peer: edged("edged", filepath.Join(s.dir, "edged"))}
	s.edge.process, err = startWith("edged", s.dir, []string{"GORACE=log_path=" + filepath.Join(s.dir, "race")},
		s.edge.program, "--near", s.near.addr, "--home", s.home.addr, "--log", "error")
	if err == nil {
		err = s.edge.listening(ctx)
	}
	if err == nil {
		err = s.edge.answers(ctx, s.edge.url("/"))
	}
	if err != nil {
		s.stop()
		return err
	}
	s.edge.pids = []int{s.edge.cmd.Process.Pid}
	return nil
}

func (s *soak) stop() {
	if s.edge.process != nil {
		s.edge.stop()
	}
	s.near.die()
	s.home.die()
}

// load has all kinds of visitors come for so long, while machines die and come back.
// When it returns, all have gone.
func (s *soak) load(ctx context.Context, name string, length time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var (
		wait sync.WaitGroup
		died error
	)
	for _, k := range kinds {
		for i := range k.visitors {
			wait.Go(func() { s.visits(ctx, k.name, fmt.Sprintf("%s-%s-%d-", name, k.name, i), k.http2, k.visit) })
		}
	}
	wait.Go(func() { died = mortality(ctx, s.near, s.home) })
	wait.Go(func() { s.tell(ctx, name, length) })
	wait.Wait()
	select {
	case <-s.edge.ended:
		return s.edge.failed("ended")
	default:
		return died
	}
}

// visits repeats a visit until ctx ends.
func (s *soak) visits(ctx context.Context, kind, name string, http2 bool, visit visit) {
	v, done := s.visitor(name, http2)
	defer done()
	for ctx.Err() == nil {
		s.tally.add(kind, s.once(context.WithoutCancel(ctx), v, visit))
	}
}

// visitor returns a client of the edge, and what closes its connections.
func (s *soak) visitor(name string, http2 bool) (v *visitor, done func()) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	return &visitor{addr: s.edge.addr, client: &http.Client{Transport: transport}, name: name}, transport.CloseIdleConnections
}

// once makes a visit with a bound of its own, so that the end of a run cuts none off.
func (s *soak) once(ctx context.Context, v *visitor, visit visit) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	how := visit(ctx, v)
	if ctx.Err() != nil {
		how = "WRONG: nothing for 30 s, " + how
	}
	return how
}

// tell says each second how far the run is.
func (s *soak) tell(ctx context.Context, name string, length time.Duration) {
	begun, tick := time.Now(), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			progress("%s, %s of %s", name, time.Since(begun).Round(time.Second), length)
		case <-ctx.Done():
			return
		}
	}
}
