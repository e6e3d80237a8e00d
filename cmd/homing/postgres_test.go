package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDemoOnPostgres: the core of TestDemo on a real cluster, in this order.
func TestDemoOnPostgres(t *testing.T) {
	d := startDemo(t, "--db", "postgres", "--distances", "none")
	if !regexp.MustCompile(`own writes missing \(of 20\) +\d+ +0\n`).MatchString(d.out.String()) {
		t.Errorf("own writes were missing:\n%s", d.out)
	}
	for _, tc := range []struct {
		name string
		test func(*testing.T, *demoRun)
	}{
		{"nothing is left from measuring", testNothingIsLeft},
		{"reads are answered where they arrive", testReadsAreLocal},
		{"a POST runs once, in ord, with its whole body", testPostRunsOnceAtHome},
		{"a form leads back to the page with its entry", testFormLeadsBack},
		{"a GET that writes is tried here and sent home", testVisitsAreCaptured},
		{"twenty parallel writes are all seen by the next", testParallelWrites},
		{"the primary moves from the page, and back", testPromote},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, d.in(t)) })
	}
}

func testNothingIsLeft(t *testing.T, d *demoRun) {
	if n := len(d.visitor("ord", false).list().Entries); n != 0 {
		t.Errorf("%d entries are left from measuring", n)
	}
}

func testPromote(t *testing.T, d *demoRun) {
	for _, to := range []string{"gru", "ord"} {
		d.turn(to, "promote")
		for name, r := range d.regions() {
			if (r.Role == "primary") != (name == to) || r.Primary != (name == to) || !r.Running {
				t.Errorf("after moving to %s: %+v", to, r)
			}
		}
		v, text := d.visitor("ams", true), "moved to "+to
		j := d.journey(v.mustWrite(text).id())
		if last := j.Hops[len(j.Hops)-1]; last.Region != to {
			t.Errorf("a write ended in %s; want %s", last.Region, to)
		}
		if n := v.list().has(text); n != 1 {
			t.Errorf("the entry is there %d times; want once", n)
		}
	}
	resp, err := http.Post(d.page+"/regions/ord/promote", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("what has the primary already could be promoted: %s", resp.Status)
	}
}

// TestDemoWithoutPostgres: what is found first in PATH is used, and is nothing that
// can be.
func TestDemoWithoutPostgres(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "postgres"), []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(build(t), "demo", "--db", "postgres", "--port", "0")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("it ran:\n%s", out)
	}
	for _, want := range []string{"install PostgreSQL 14", "--db sqlite", "needs nothing"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q does not say %q", out, want)
		}
	}
	if n := strings.Count(string(out), "\n"); n != 1 {
		t.Errorf("%d lines; want one: %s", n, out)
	}
}
