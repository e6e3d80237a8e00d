//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homing/bench/result"
)

// took is a sample of so many requests that took so much of the processor.
func took(requests int, user, system time.Duration) sample {
	return sample{told: told{requests: requests, elapsed: 2 * time.Second, bytes: 2e9}, used: usage{user, system}, allocs: -1}
}

func TestPlainCells(t *testing.T) {
	nginx := []sample{took(1000, 2*time.Millisecond, 8*time.Millisecond), took(2000, 4*time.Millisecond, 36*time.Millisecond), took(1000, 5*time.Millisecond, 7*time.Millisecond)}
	own := []sample{took(1000, 10*time.Millisecond, 10*time.Millisecond), took(1000, 20*time.Millisecond, 30*time.Millisecond), took(1000, 18*time.Millisecond, 18*time.Millisecond)}
	table := newTable("GET", plainColumns...)
	add(table, "nginx", plainCells(nginx, nginx, 6)...)
	add(table, "own", plainCells(own, nginx, -1)...)
	for column, want := range map[string]float64{"CPU": 36, "user": 18, "sys": 18, "ratio": 2.5, "1000": .5} {
		if got, ok := value(table, "own", column); got < want-1e-9 || got > want+1e-9 || !ok {
			t.Errorf("%s: %v, want %v", column, got, want)
		}
	}
	if got, ok := value(table, "nginx", "ratio"); got != 1 || !ok {
		t.Errorf("nginx is %v of itself", got)
	}
	for _, column := range []string{"calls", "alloc"} {
		if _, ok := value(table, "own", column); ok {
			t.Errorf("%s is a number, and was not told", column)
		}
	}
	if got := table.Rows[1][5]; got != "2.00–3.00" {
		t.Errorf("the ratios range over %v", got)
	}
}

func TestReplayCells(t *testing.T) {
	plain, own := []sample{took(1000, 10*time.Millisecond, 0)}, []sample{took(1000, 15*time.Millisecond, 0)}
	cells := replayCells(plain, own, []sample{took(1000, 30*time.Millisecond, 0)}, 9)
	if cells[0] != 15. || cells[1] != 10. || cells[2] != 1.5 || cells[4] != .5 {
		t.Errorf("%v", cells)
	}
}

func TestStreamsAreCountedByBytes(t *testing.T) {
	s := took(1, time.Second, time.Second)
	if s.perGB() != 1 || s.rate() != 1 {
		t.Errorf("%v s/GB, %v GB/s; want 1 and 1", s.perGB(), s.rate())
	}
}

func TestTheReportIsWritten(t *testing.T) {
	found := newReport(settings{args: []string{"--quick"}})
	all := []peer{{name: "nginx", version: "1.0"}, {name: "caddy", version: "2.0"}, {name: "homing"}}
	for _, s := range scenarios() {
		columns := plainColumns
		if s.name == "replay" {
			columns = replayColumns
		}
		if s.name == "idle" || s.name == "tunnels" {
			columns = []result.Column{{Name: "memory"}}
		}
		table := newTable(s.name, columns...)
		for _, p := range all {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = 3.5 + float64(i)
			}
			add(table, p.name, cells...)
		}
		found.add(s, table)
	}
	dir := filepath.Join(t.TempDir(), "results")
	if err := found.write(t.Context(), all, dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "peers.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"nginx 1.0", "6.50 times", "5.50 times", "| homing | 3.5 ", "go run ./bench/peers --quick", "peers-cpu.svg", "peers-memory.svg"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("peers.md does not say %q", want)
		}
	}
	for _, name := range []string{"peers.json", "peers-cpu.svg", "peers-memory.svg"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// A run of some scenarios has no chart of the others.
func TestAPartOfTheReportIsWritten(t *testing.T) {
	found, dir := newReport(settings{}), t.TempDir()
	table := newTable("GET", plainColumns...)
	add(table, "nginx", make([]any, len(plainColumns))...)
	found.add(scenarios()[0], table)
	if err := found.write(t.Context(), []peer{{name: "nginx"}}, dir); err != nil {
		t.Fatal(err)
	}
	if pictures, _ := filepath.Glob(filepath.Join(dir, "*.svg")); len(pictures) > 0 {
		t.Errorf("there are %q", pictures)
	}
}

func TestConfigurations(t *testing.T) {
	dir := t.TempDir()
	at := place{Dir: dir, Listen: "127.0.0.1:8001", Near: "127.0.0.1:8002", Home: "127.0.0.1:8003", Files: 1024}
	for _, config := range []string{"nginx.conf", "haproxy.cfg", "Caddyfile"} {
		file, err := peer{config: config}.configure(at)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{":8001", ":8002"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not name %s", config, want)
			}
		}
		if strings.Contains(string(text), "user root") {
			t.Errorf("%s wants to be root where nobody is", config)
		}
	}
}
