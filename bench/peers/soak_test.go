//go:build linux

package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homing/edge"
	"homing/fleet"
)

// edgeOf serves two machines until the test ends.
func edgeOf(t *testing.T, near, home *machine) string {
	t.Helper()
	f := fleet.New(nil,
		fleet.Machine{ID: "near", App: "soak", Region: "ams", Addr: near.addr, Healthy: true},
		fleet.Machine{ID: "home", App: "soak", Region: "ord", Addr: home.addr, Healthy: true})
	e, err := edge.New(edge.Config{Region: "ams", App: "soak", Fleet: f, NoTLS: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, ended := e.Server(), make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		e.Close()
		<-ended
	})
	return l.Addr().String()
}

func twoMachines(t *testing.T) (near, home *machine, seen *ledger) {
	t.Helper()
	seen = &ledger{runs: map[string]bool{}}
	near, err := newMachine(false, seen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(near.die)
	home, err = newMachine(true, seen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.die)
	return near, home, seen
}

// Where nothing dies every kind of visit goes well.
func TestVisits(t *testing.T) {
	near, home, seen := twoMachines(t)
	t.Cleanup(func() {
		if seen.runTwice() > 0 {
			t.Errorf("%d writes were run twice", seen.runTwice())
		}
	})
	addr := edgeOf(t, near, home)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := &soak{edge: &proxy{addr: addr}, tally: tally{count: map[string]map[string]int{}}}
			v, done := s.visitor(k.name+"-", k.http2)
			defer done()
			turns := 3 // some take turns at how they go
			if strings.Contains(k.name, "20 MiB") {
				turns = 1
			}
			for range turns {
				if how := s.once(t.Context(), v, k.visit); how != "ok" {
					t.Fatal(how)
				}
			}
		})
	}
}

func TestAMachineComesBackWhereItWas(t *testing.T) {
	near, _, _ := twoMachines(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	near.die()
	if resp, err := client.Get("http://" + near.addr); err == nil {
		resp.Body.Close()
		t.Fatal("a dead machine answers")
	}
	if err := near.revive(t.Context()); err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get("http://" + near.addr)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// Each of what must not happen fails the soak.
func TestConclude(t *testing.T) {
	before := holding{goroutines: 10, files: 20, heap: 5}
	for name, tt := range map[string]struct {
		with  func(*soak)
		after holding
		want  string
	}{
		"all is well":                 {func(*soak) {}, holding{9, 20, 5.5}, ""},
		"wrong answer":                {func(s *soak) { s.tally.add("GET", "WRONG answer") }, before, "GET: WRONG answer, 1 times"},
		"a kind that never went well": {func(s *soak) { delete(s.tally.count, "tunnel") }, before, "tunnel: never ok"},
		"goroutines left":             {func(*soak) {}, holding{11, 20, 5}, "the edge holds more than before: 11 goroutines"},
		"files left":                  {func(*soak) {}, holding{10, 21, 5}, "the edge holds more than before"},
		"memory left":                 {func(*soak) {}, holding{10, 20, 50}, "the edge holds more than before"},
		"run twice": {func(s *soak) {
			s.seen.run("a")
			s.seen.run("b")
			s.seen.run("a")
		}, before, "1 writes were run twice"},
		"races": {func(s *soak) {
			report := []byte("==================\nWARNING: DATA RACE\n==================\nWARNING: DATA RACE\n")
			if err := os.WriteFile(filepath.Join(s.dir, "race.77"), report, 0o600); err != nil {
				panic(err)
			}
		}, before, "2 races; the first:"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &soak{out: io.Discard, dir: t.TempDir(), seen: &ledger{runs: map[string]bool{}}, tally: tally{count: map[string]map[string]int{}}}
			for _, k := range kinds {
				s.tally.add(k.name, "ok")
			}
			tt.with(s)
			err := s.conclude(before, tt.after)
			if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
