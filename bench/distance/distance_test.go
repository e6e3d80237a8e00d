package main

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"homing/bench/result"
	"homing/region"
)

// The regions are near each other, and the pause is as short as can be: what is looked at
// is that everything was measured, not how long it took.
func small() config {
	return config{from: "fra", to: "ams", idle: 1, tries: 1, sizes: []int{1 << 10, 20 << 10}}
}

func TestEachSetupIsMeasuredWithEachBody(t *testing.T) {
	cfg := small()
	r, err := measure(t.Context(), cfg, io.Discard)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 2 {
		t.Fatalf("%d tables, want one for each state of the connections", len(r.Tables))
	}
	for _, table := range r.Tables {
		checkRows(t, table, cfg, strings.Join(r.Notes, " "))
	}
	dir := t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "distance*")); len(files) != 3 {
		t.Errorf("files %v, want JSON, Markdown and a chart", files)
	}
}

func checkRows(t *testing.T, table *result.Table, cfg config, notes string) {
	t.Helper()
	trip, _ := region.RoundTrip(cfg.from, cfg.to)
	for _, s := range setups() {
		rows := slices.DeleteFunc(slices.Clone(table.Rows), func(row []any) bool { return row[0] != s.name })
		if len(rows) == 0 && strings.Contains(notes, s.name+`" was left out`) {
			continue
		}
		if len(rows) != len(cfg.sizes) {
			t.Errorf("%s has %d rows for %q, want one for each body", table.Title, len(rows), s.name)
		}
		for _, row := range rows {
			if took := row[2].(float64); took < float64(trip)/float64(time.Millisecond) {
				t.Errorf("%v: faster than the way there and back, %v", row, trip)
			}
		}
	}
}

func TestAResultSaysWhatEachSetupTakes(t *testing.T) {
	m := &measurement{cfg: small(), setups: setups()}
	m.cfg.sizes, m.cfg.idle = nil, 0
	notes := m.report().Notes
	for _, s := range setups() {
		if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, s.name) && strings.Contains(n, s.says) }) {
			t.Errorf("nothing says what %q takes: %q", s.name, notes)
		}
	}
}

func TestWhatCannotBeMeasuredIsSaid(t *testing.T) {
	for args, want := range map[string]string{
		"--tries 0":              "one try at least",
		"--idle -1s":             "no idle time below 0",
		"everything":             "flags only",
		"--from gru --to gru":    "gru is there twice",
		"--from here --to there": "nobody knows where here is",
	} {
		err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func TestWhatKeepsToTheAim(t *testing.T) {
	m := &measurement{cfg: small(), setups: []setup{{name: "fast"}, {name: "slow"}, {name: "slow with much"}, {name: "fast but with more"}}}
	m.cfg.sizes = []int{1 << 10, 64 << 10, 1 << 20}
	m.roundTrip.Add(100)
	samples := map[key]*result.Sample{}
	for i, took := range [][]float64{{100, 102, 102}, {103, 103, 103}, {100, 300, 300}, {100, 101, 500}} {
		for j, size := range m.cfg.sizes {
			samples[key{i, size}] = new(result.Sample)
			samples[key{i, size}].Add(took[j])
		}
	}
	if got := m.within(samples); got != "fast, fast but with more" {
		t.Errorf("%s", got)
	}
	m.setups = m.setups[1:2]
	m.roundTrip = result.Sample{}
	m.roundTrip.Add(90)
	if got := m.within(samples); got != "none" {
		t.Errorf("%s, want none", got)
	}
}
