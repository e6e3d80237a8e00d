//go:build linux

package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

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

// conclude writes what happened. The error says what must not.
func (s *soak) conclude(before, after holding) error {
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
	fmt.Fprintf(s.out, "\nbefore: %s\nafter:  %s\nraces: %d, writes run twice: %d\n", before, after, races, s.seen.runTwice())
	if !after.within(before) {
		errs = append(errs, fmt.Errorf("the edge holds more than before: %s, %s before\n%s", after, before, s.left))
	}
	if races > 0 {
		errs = append(errs, fmt.Errorf("%d races; the first:\n%s", races, first))
	}
	if s.seen.runTwice() > 0 {
		errs = append(errs, fmt.Errorf("%d writes were run twice", s.seen.runTwice()))
	}
	return errors.Join(errs...)
}

// racesIn counts the reports that the race detector left in dir, and returns the first.
func racesIn(dir string) (n int, first string) {
	files, _ := filepath.Glob(filepath.Join(dir, "race.*"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		reports := strings.Split(string(text), "WARNING: DATA RACE\n")
		n += len(reports) - 1
		if first == "" && len(reports) > 1 {
			first, _, _ = strings.Cut(reports[1], "==================")
		}
	}
	return n, first
}
