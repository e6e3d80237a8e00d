//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
}

// tally counts how visits went, by kind. Safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	count map[string]map[string]int
}

func (t *tally) add(kind, how string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count[kind] == nil {
		t.count[kind] = map[string]int{}
	}
	t.count[kind][how]++
}

// runSoak loads the edge for so long, then waits until it holds no more than before.
// The error says what it lost, if anything.
func runSoak(ctx context.Context, out io.Writer, dir string, length time.Duration) error {
	s := &soak{out: out, dir: dir, seen: &ledger{runs: map[string]bool{}}, tally: tally{count: map[string]map[string]int{}}}
	progress("building the edge with the race detector")
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
	s.edge.stop() // it writes its races to the last
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
		var line string
		line, err = s.edge.line(ctx)
		s.edge.addr, s.edge.stats, _ = strings.Cut(line, " ")
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

// visits repeats a visit until ctx ends. Each has a bound of its own, so that none is
// cut off in the middle by the end of the run.
func (s *soak) visits(ctx context.Context, kind, name string, http2 bool, visit visit) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	defer transport.CloseIdleConnections()
	v := &visitor{addr: s.edge.addr, client: &http.Client{Transport: transport}, name: name}
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		how := visit(one, v)
		if one.Err() != nil {
			how = "WRONG: nothing for 30 s, " + how
		}
		cancel()
		s.tally.add(kind, how)
	}
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

// holding is what an edge has at a moment.
type holding struct {
	goroutines, files int
	heap              float64 // MiB, after a collection
}

// within reports whether h is no more than before. A heap may have grown by what maps
// and pools keep for good.
func (h holding) within(before holding) bool {
	return h.goroutines <= before.goroutines && h.files <= before.files && h.heap <= before.heap*1.1+1
}

// patience is how long an edge may take to let go of what it has: longer than it
// keeps idle connections on either side.
const patience = 90 * time.Second

// quiet waits until the edge holds no more than before, or, where that is nothing,
// until it has held the same for some seconds.
func (s *soak) quiet(ctx context.Context, before holding) (holding, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	var last holding
	for same := 0; ; {
		now, err := s.holding(ctx)
		if err != nil {
			return last, err
		}
		if now.goroutines == last.goroutines && now.files == last.files {
			same++
		} else {
			same = 0
		}
		last = now
		if before != (holding{}) && now.within(before) || before == (holding{}) && same >= 12 {
			return now, nil
		}
		progress("waiting for quiet: %s", now)
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return last, nil // conclude says what is left
			}
			return last, ctx.Err()
		}
	}
}

func (h holding) String() string {
	return fmt.Sprintf("%d goroutines, %d files, heap %.1f MiB", h.goroutines, h.files, h.heap)
}

func (s *soak) holding(ctx context.Context) (holding, error) {
	for range 2 { // what is pooled goes with the second collection
		if _, err := s.edge.ask(ctx, "/stats?gc"); err != nil {
			return holding{}, err
		}
	}
	now, err := s.edge.ask(ctx, "/stats?gc")
	return holding{now.Goroutines, descriptors(s.edge.pids), now.Heap / (1 << 20)}, err
}

// conclude writes what happened. The error says what must not.
func (s *soak) conclude(before, after holding) error {
	fmt.Fprint(os.Stderr, "\r\033[K")
	var errs []error
	for _, k := range kinds {
		counts := s.tally.count[k.name]
		fmt.Fprintf(s.out, "%-24s", k.name)
		for _, how := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(s.out, " %s: %d", how, counts[how])
			if strings.HasPrefix(how, "WRONG") {
				errs = append(errs, fmt.Errorf("%s: %s, %d times", k.name, how, counts[how]))
			}
		}
		fmt.Fprintln(s.out)
		if counts["ok"] == 0 {
			errs = append(errs, fmt.Errorf("%s: never ok", k.name))
		}
	}
	races, first := racesIn(s.dir)
	fmt.Fprintf(s.out, "\nbefore: %s\nafter:  %s\nraces: %d, writes run twice: %d\n", before, after, races, s.seen.twice)
	if !after.within(before) {
		errs = append(errs, fmt.Errorf("the edge holds more than before: %s, %s before", after, before))
	}
	if races > 0 {
		errs = append(errs, fmt.Errorf("%d races; the first:\n%s", races, first))
	}
	if s.seen.twice > 0 {
		errs = append(errs, fmt.Errorf("%d writes were run twice", s.seen.twice))
	}
	return errors.Join(errs...)
}

// racesIn counts the reports that the race detector left in dir, and returns the first
// file of them.
func racesIn(dir string) (n int, first string) {
	files, _ := filepath.Glob(filepath.Join(dir, "race.*"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		n += strings.Count(string(text), "WARNING: DATA RACE")
		if first == "" {
			first = string(text)
		}
	}
	return n, first
}
