package result_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homing/bench/chart"
	"homing/bench/result"
)

func some() *result.Result {
	r := &result.Result{
		Name: "claim", Title: "What a replay saves", Summary: "Much.", When: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
		Machine:  result.Machine{CPU: "Fast", Cores: 2, System: "linux/amd64", Kernel: "6.18.0", Memory: 8 << 30, Load: 1.25},
		Versions: []result.Version{{Name: "Go", Version: "1.26"}}, Commands: []string{"make bench-claim"},
		Charts: []chart.Chart{{Name: "writes", Title: "Writes [ms]", Series: []chart.Series{{Name: "a", X: []float64{1}, Y: []float64{2}}}}},
	}
	t := r.AddTable("A write from gru", result.Column{Name: "strategy"}, result.Column{Name: "1 query", Unit: "ms", Digits: 1}, result.Column{Name: "rounds"})
	t.Add("remote | primary", 242.04, 20)
	t.Add("replay", nil, 20)
	r.Note("Distances are emulated.")
	return r
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	if err := some().Print(&b); err != nil {
		t.Fatal(err)
	}
	want := `What a replay saves

  A write from gru
  strategy          1 query  rounds
                         ms
  remote | primary    242.0      20
  replay                  –      20

  Much.

  2 cores of Fast, 8 GiB of memory, linux/amd64 6.18.0, load average 1.2; Go
  1.26.
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestAWideTableIsContinuedBelow(t *testing.T) {
	r := some()
	columns := []result.Column{{Name: "queries"}}
	cells := []any{"all of them"}
	for range 12 {
		columns, cells = append(columns, result.Column{Name: "with a very long name indeed"}), append(cells, 1234.5)
	}
	r.AddTable("Wide", columns...).Add(cells...)
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if got := strings.Count(b.String(), "1234"); got != 12 {
		t.Errorf("%d cells of 12 were printed", got)
	}
	if got := strings.Count(b.String(), "all of them"); got < 2 {
		t.Error("the pieces do not begin with the first column")
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := some().Write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "claim.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := "# What a replay saves\n\nMuch.\n\n![Writes (ms)](claim-writes.svg)\n\n## A write from gru\n\n" +
		"| strategy | 1 query, ms | rounds |\n| --- | --: | --: |\n| remote \\| primary | 242.0 | 20 |\n| replay | – | 20 |\n\n" +
		"## Notes\n\n- Distances are emulated.\n\n## How\n\n" +
		"Measured 2026-08-01 on 2 cores of Fast, 8 GiB of memory, linux/amd64 6.18.0, load average 1.2; Go 1.26.\n\n```console\n$ make bench-claim\n```\n"
	if string(page) != want {
		t.Errorf("got\n%s\nwant\n%s", page, want)
	}
	var back result.Result
	text, err := os.ReadFile(filepath.Join(dir, "claim.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil || back.Tables[0].Rows[0][1] != 242.04 {
		t.Errorf("%v, %+v", err, back)
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "claim-writes.svg")); err != nil || !strings.HasPrefix(string(svg), "<svg") {
		t.Errorf("%v, %.40s", err, svg)
	}
}

func TestNothingIsWrittenThatSaysWhichMachineThisIs(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for what, word := range map[string]string{"the folder": here, "a file below it": here + "/x", "a temporary folder": os.TempDir() + "/x"} {
		r, dir := some(), t.TempDir()
		r.Commands = []string{"cat " + word}
		if err := r.Write(dir); err == nil || !strings.Contains(err.Error(), "says which machine this is") {
			t.Errorf("%s: %v", what, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: %v was written", what, left)
		}
	}
}

func TestWhatIsNoResultIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*result.Result)
		want   string
	}{
		{"a name that is no file's", func(r *result.Result) { r.Name = "../x" }, "cannot be a file's name"},
		{"no title", func(r *result.Result) { r.Title = "" }, "no title"},
		{"a cell too many", func(r *result.Result) { r.Tables[0].Add("a", 1, 2, 3) }, "row 3 has 4 cells for 3 columns"},
		{"a cell of another kind", func(r *result.Result) { r.Tables[0].Add("a", time.Second, 3) }, "row 3 has a time.Duration"},
		{"no columns", func(r *result.Result) { r.AddTable("empty") }, "no columns"},
		{"a chart that cannot be drawn", func(r *result.Result) { r.Charts[0].Series = nil }, "0 series"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := some()
			tt.change(r)
			if err := r.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestNewKnowsTheMachine(t *testing.T) {
	r := result.New("a", "A")
	if r.Machine.Cores < 1 || r.Machine.System == "" || len(r.Versions) != 1 || r.When.IsZero() {
		t.Errorf("%+v", r)
	}
}

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []float64
		part   float64
		want   float64
	}{
		{"of one", []float64{7}, 0.95, 7},
		{"the middle of three", []float64{9, 1, 5}, 0.5, 5},
		{"between the two in the middle", []float64{4, 1, 3, 2}, 0.5, 2.5},
		{"the least", []float64{4, 1, 3, 2}, 0, 1},
		{"the most", []float64{4, 1, 3, 2}, 1, 4},
		{"near the most", []float64{0, 10}, 0.95, 9.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s result.Sample
			for _, v := range tt.values {
				s.Add(v)
			}
			if got := s.Quantile(tt.part); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
