package main

import (
	"os"
	"strings"
	"testing"
)

// TestTenLines counts what it took to bring the app of one region into several.
func TestTenLines(t *testing.T) {
	before, after := lines(t, "oneregion/main.go"), lines(t, "main.go")
	changed := diff(before, after)
	for _, c := range changed {
		t.Logf("\n-%s\n+%s", strings.Join(c.out, "\n-"), strings.Join(c.in, "\n+"))
	}
	n := count(changed)
	t.Logf("%d lines of %d changed", n, len(before))
	if n > 10 {
		t.Errorf("%d lines differ, and README.md says ten", n)
	}
}

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		name, before, after string
		want                int
	}{
		{"the same", "a b c", "a b c", 0},
		{"one was added", "a c", "a b c", 1},
		{"one was removed", "a b c", "a c", 1},
		{"one was replaced", "a b c", "a x c", 1},
		{"one was replaced by three", "a b c", "a x y z c", 3},
		{"two places", "a b c d e", "a x c d", 2},
		{"all of it", "a b", "x y", 2},
		{"a longer common part is found", "a b c a b", "b c a b", 1},
	} {
		if got := count(diff(strings.Fields(tt.before), strings.Fields(tt.after))); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func lines(t *testing.T, file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// change is a place where one text has some lines instead of others.
type change struct{ out, in []string }

// count counts a line that was replaced once.
func count(changes []change) (n int) {
	for _, c := range changes {
		n += max(len(c.out), len(c.in))
	}
	return n
}

// diff finds the longest common subsequence, and returns what is not of it.
func diff(a, b []string) (changes []change) {
	common := make([][]int, len(a)+1) // of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var now change
	end := func() {
		if len(now.out)+len(now.in) > 0 {
			changes, now = append(changes, now), change{}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			end()
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			now.out, i = append(now.out, a[i]), i+1
		default:
			now.in, j = append(now.in, b[j]), j+1
		}
	}
	end()
	return changes
}
