package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bench runs "homing bench" in the smallest way that measures all, and returns what it
// printed and the page.
func bench(t *testing.T, args ...string) (out, page string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	args = append([]string{"bench", "--regions", "ord,gru", "--distances", "none", "--queries", "1,2", "--rounds", "1", "--out", file}, args...)
	var printed, errOut syncBuffer
	if err := run(t.Context(), args, &printed, &errOut); err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	if !strings.Contains(errOut.String(), "100 %\n") {
		t.Errorf("the progress was told as %q", errOut.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Errorf("more than the page is left: %v", left)
	}
	return printed.String(), string(text)
}

func TestBench(t *testing.T) {
	out, page := bench(t)
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 && !strings.Contains(line, "page.html") {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	for _, want := range []string{"A user in São Paulo (gru)", "k=1     k=2", "Homing: a write's request crosses", "Own writes not seen"} {
		if !strings.Contains(out, want) {
			t.Errorf("it did not print %q:\n%s", want, out)
		}
	}
	if !strings.HasPrefix(page, "<!doctype html>") || !strings.HasSuffix(page, "</html>\n") {
		t.Errorf("the page is not whole: %.60s", page)
	}
}

func TestBenchAsJSON(t *testing.T) {
	out, _ := bench(t, "--json")
	var found struct {
		Name   string
		Tables []struct{ Rows [][]any }
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || found.Name != "claim" || len(found.Tables) == 0 {
		t.Errorf("%v in %s", err, out)
	}
}

func TestBenchThatIsEndedLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	out, errOut := new(syncBuffer), new(syncBuffer)
	progress, measuring := waitFor(errOut, "25 %\n")
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"bench", "--regions", "ord,gru", "--queries", "1", "--rounds", "40", "--distances", "none", "--out", filepath.Join(dir, "page.html")}, out, progress)
	}()
	select {
	case <-measuring:
	case err := <-ended:
		t.Fatalf("%v\n%s", err, errOut)
	}
	cancel()
	if err := <-ended; err != nil || out.String() != "" {
		t.Errorf("%v, printed %q", err, out.String())
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

func TestBenchRefusesWhatItCannotMeasure(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ args, want string }{
		{"--regions ord", "add another"},
		{"--queries 1,x", `"x" is no number; want some from 1 to 100`},
		{"--queries 0", "0 queries a request; want 1 to 100"},
		{"--queries 5,5", "5 queries a request are given twice"},
		{"--rounds 0", "want 1 or more"},
		{"--primary syd", "--primary syd is not among --regions"},
		{"--out " + dir, "it is a folder"},
		{"--out " + dir + "/none/page.html", "choose another file"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			var out, errOut syncBuffer
			err := run(t.Context(), append([]string{"bench"}, strings.Fields(tt.args)...), &out, &errOut)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
