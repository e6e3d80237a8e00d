package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"homing/bench/result"
)

func TestWhatBenchmarksPrintIsRead(t *testing.T) {
	const printed = "goos: linux\npkg: homing/x\ncpu: Fast\n" +
		"BenchmarkRead/with_a_token/plain-2 \t 100\t 25.58 ns/op\t 0 B/op\t 3 allocs/op\n" +
		"BenchmarkWait/60_ms_away,_as_through-2 \t 7\t 61000000 ns/op\t 60123 lag-p50-µs\t 1.5 overshoot-p50-µs\n" +
		"BenchmarkScan \t 100\t 2500 ns/op\t12912.5 MB/s\nPASS\n"
	got := round{}
	if err := read(strings.NewReader(printed), "./x", got); err != nil {
		t.Fatal(err)
	}
	want := round{
		{"./x", "Read/with_a_token/plain"}:     {"ns/op": 25.58, "B/op": 0, "allocs/op": 3},
		{"./x", "Wait/60_ms_away,_as_through"}: {"ns/op": 61e6, "lag-p50-µs": 60123, "overshoot-p50-µs": 1.5},
		{"./x", "Scan"}:                        {"ns/op": 2500, "MB/s": 12912.5},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhatIsNoFigureIsAnError(t *testing.T) {
	err := read(strings.NewReader("BenchmarkRead-2 100 fast ns/op\n"), "./x", round{})
	if err == nil || !strings.Contains(err.Error(), "benchmarks of ./x") {
		t.Errorf("%v", err)
	}
}

// Rounds of a machine that slows down: what is taken off is of the same round.
func TestAPartIsTakenFromTheSameRound(t *testing.T) {
	l := line{"./x", "with", "without", "the part"}
	var found []round
	for i := range 5 {
		slow := float64(i * 100)
		found = append(found, round{l.key(): {"ns/op": 30 + slow, "allocs/op": 4}, {"./x", "without"}: {"ns/op": 10 + slow}})
	}
	r := result.New("x", "X")
	group{title: "A", unit: time.Nanosecond, lines: []line{l}, extras: []extra{{"carried", "MB/s", "MB/s", 0}}}.table(r, found)
	want := []any{"the part", 20.0, 20.0, 20.0, nil, 4.0, nil}
	if !reflect.DeepEqual(r.Tables[0].Rows[0], want) {
		t.Errorf("%v, want %v", r.Tables[0].Rows[0], want)
	}
}

func TestTheSummarySaysWhetherTheAimIsMet(t *testing.T) {
	for _, tt := range []struct {
		name          string
		ns, allocates float64
		want          string
	}{
		{"met", 1010, 0, "1.00 µs (the aim: 1 µs at most, met), and 0 allocations (the aim: 0, met)"},
		{"missed", 1510, 3, "1.50 µs (the aim: 1 µs at most, missed), and 3 allocations (the aim: 0, missed)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := []round{{withToken.key(): {"ns/op": tt.ns, "allocs/op": tt.allocates}, {withToken.pkg, withToken.minus}: {"ns/op": 10}}}
			if got := summary(groups, found); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := summary(nil, nil); got != "" {
		t.Errorf("%q of what was not measured", got)
	}
}

func TestEachBenchmarkOfTheListStandsInItsPackage(t *testing.T) {
	texts := map[string]string{}
	for _, g := range groups {
		for _, l := range g.lines {
			for _, k := range l.keys() {
				if texts[k.pkg] == "" {
					texts[k.pkg] = tests(t, k.pkg)
				}
				name, _, _ := strings.Cut(k.bench, "/")
				if !strings.Contains(texts[k.pkg], "func Benchmark"+name+"(b *testing.B)") {
					t.Errorf("%s has no Benchmark%s", k.pkg, name)
				}
			}
		}
	}
}

// tests is the text of a package's tests.
func tests(t *testing.T, pkg string) string {
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string // of the error; empty: none
	}{
		{"none", nil, ""},
		{"some tables", []string{"--only", "relay,read"}, ""},
		{"a table that is not there", []string{"--only", "relay,reed"}, "--only reed: there are read,"},
		{"no round", []string{"--rounds", "0"}, "one round at least"},
		{"no time", []string{"--time", "0s"}, "a time above 0"},
		{"a word", []string{"read"}, "want flags only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.args, io.Discard)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// The real thing, with the package that is built fastest.
func TestBenchmarksAreRunAndWritten(t *testing.T) {
	t.Chdir("../..")
	lines := []line{{"./position", "Token/open", "", "reading a token"}, {"./position", "Token/seal", "Token/open", "beyond that"}}
	s := settings{rounds: 2, time: time.Microsecond, groups: []group{{name: "a", title: "A", unit: time.Nanosecond, lines: lines}}, args: []string{"--rounds", "2"}}
	var progress bytes.Buffer
	found, err := (&runner{settings: s, dir: t.TempDir(), progress: &progress}).run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "round 2 of 2 took") {
		t.Errorf("progress: %s", &progress)
	}
	dir := t.TempDir()
	if err := report(t.Context(), s, found).Write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "handler.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| reading a token |", "| beyond that |", "$ go run ./bench/handler --rounds 2\n",
		"$ go test -run '^$' -bench '^Benchmark(Token)$' -benchmem -benchtime 1µs -count 2 ./position\n"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

func TestALineThatNothingMeasuresIsNamed(t *testing.T) {
	gs := []group{{lines: []line{{"./x", "Read/a", "Read/plain", ""}, {"./x", "Read/b", "Read/plain", ""}}}}
	got := missing(gs, round{{"./x", "Read/a"}: {"ns/op": 1}})
	if want := []string{"./x Read/plain", "./x Read/b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
