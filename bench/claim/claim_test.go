package claim

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"homing/region"
)

func near(a, b region.Code) time.Duration {
	if a == b {
		return 0
	}
	return 4 * time.Millisecond
}

var tiny = Config{
	Regions: []region.Code{"ord", "gru"}, Primary: "ord", Distances: near, Queries: []int{2, 1}, Rounds: 3, Users: 2,
	Logger: slog.New(slog.DiscardHandler),
}

// TestRun is a whole run with hardly any distance. How long things took is not looked
// at: what was measured is.
func TestRun(t *testing.T) {
	cfg := tiny
	var parts []float64
	cfg.Progress = func(part float64) { parts = append(parts, part) }
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*testing.T, *Report){
		"each thing was done once a round":              testRounds,
		"requests ran where the strategy says":          testPlaces,
		"queries crossed as often as the strategy says": testCrossings,
		"own writes are seen where they must be":        testOwnWrites,
		"what was found fits a terminal":                testPrint,
		"what was found can be written":                 testWrite,
		"the page needs nothing from elsewhere":         testPage,
	} {
		t.Run(name, func(t *testing.T) { test(t, r) })
	}
	if len(parts) != 2*2*3 || parts[len(parts)-1] < 0.999 {
		t.Errorf("progress was told as %v", parts)
	}
}

func testRounds(t *testing.T, r *Report) {
	for _, from := range r.cfg.Regions {
		for _, s := range Strategies() {
			for _, w := range whats {
				for _, k := range r.cfg.Queries {
					c := r.Cell(from, w, s, k)
					if c.Times.Len() != 3 {
						t.Errorf("%s %s from %s with %d queries: measured %d times, want 3", s, w, from, k, c.Times.Len())
					}
				}
			}
		}
	}
}

func testPlaces(t *testing.T, r *Report) {
	const all = 2 * 3 // numbers of queries, rounds
	for _, tt := range []struct {
		s          Strategy
		w          What
		here, home int
	}{
		{Remote, Write, all, 0}, {Remote, Own, all, 0}, {Remote, Read, all, 0},
		{Split, Write, all, 0}, {Split, Own, all, 0}, {Split, Read, all, 0},
		{Replay, Write, 0, all}, {Replay, Read, all, 0},
		{Window, Write, 0, all}, {Window, Own, 0, all}, {Window, Read, all, 0},
		{Batch, Write, all, 0}, {Batch, Own, all, 0}, {Batch, Read, all, 0},
		{Single, Write, 0, all}, {Single, Own, 0, all}, {Single, Read, 0, all},
	} {
		if ran := r.Ran("gru", tt.w, tt.s); ran.Here != tt.here || ran.Home != tt.home {
			t.Errorf("%s %s: %d ran in gru and %d in ord, want %d and %d", tt.s, tt.w, ran.Here, ran.Home, tt.here, tt.home)
		}
	}
	if ran := r.Ran("gru", Own, Replay); ran.Here+ran.Home != all {
		t.Errorf("own reads: %d ran in gru and %d in ord, want %d together", ran.Here, ran.Home, all)
	}
}

// testCrossings: with 1 and 2 queries, thrice each.
func testCrossings(t *testing.T, r *Report) {
	for _, tt := range []struct {
		s    Strategy
		w    What
		want int
	}{
		{Remote, Write, 3 * (1 + 4)}, {Remote, Own, 3 * (1 + 2)}, {Remote, Read, 3 * (1 + 2)},
		{Split, Write, 3 * (1 + 4)}, {Split, Own, 0}, {Split, Read, 0},
		{Replay, Write, 0}, {Replay, Own, 0}, {Replay, Read, 0},
		{Window, Write, 0}, {Window, Own, 0}, {Window, Read, 0},
		{Batch, Write, 3 * 2}, {Batch, Own, 3 * 2}, {Batch, Read, 3 * 2},
		{Single, Write, 0}, {Single, Own, 0}, {Single, Read, 0},
	} {
		if got := r.crossed[place{"gru", tt.w, tt.s, 0}]; got != tt.want {
			t.Errorf("%s %s from gru waited %d times for an answer from the primary, want %d", tt.s, tt.w, got, tt.want)
		}
	}
}

func testOwnWrites(t *testing.T, r *Report) {
	for _, from := range r.cfg.Regions {
		for _, s := range Strategies() {
			missing, of := r.Missing(from, s)
			if of != 6 || missing > 0 && !(s == Split && from == "gru") {
				t.Errorf("%s from %s: %d of %d own writes were not seen", s, from, missing, of)
			}
		}
	}
}

func testPrint(t *testing.T, r *Report) {
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > screen {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	for _, s := range Strategies() {
		if got := strings.Count(b.String(), s.Words()); got != len(whats)+1 {
			t.Errorf("%q is there %d times, want %d:\n%s", s.Words(), got, len(whats)+1, b.String())
		}
	}
}

func testWrite(t *testing.T, r *Report) {
	res := r.Result()
	if err := res.Write(t.TempDir()); err != nil {
		t.Error(err)
	}
	if len(res.Charts) != len(whats) {
		t.Errorf("%d charts, want one for each thing from gru", len(res.Charts))
	}
}

func testPage(t *testing.T, r *Report) {
	page, err := r.Page()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), `xmlns="http://www.w3.org/2000/svg"`, "")
	for _, far := range []string{"http:", "https:", "url(", "<script", "<link", "@import"} {
		if strings.Contains(text, far) {
			t.Errorf("there is %q on it", far)
		}
	}
	for _, want := range []string{"A write of 1 query", "A write of 2 queries", "São Paulo (gru)", "of 6</h3>", "Where sending the request does not win"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q on it", want)
		}
	}
	if got := strings.Count(text, "<svg"); got != 2 {
		t.Errorf("%d charts, want those of writes and own reads", got)
	}
}

// What is fast and wrong is no winner.
func TestWhoMissedAnOwnWriteDoesNotWin(t *testing.T) {
	cell := func(ms float64, missing int) *Cell {
		c := &Cell{Missing: missing}
		c.Times.Add(ms)
		return c
	}
	r := &Report{cfg: tiny, cells: make(map[place]*Cell)}
	r.cfg.Queries = []int{1}
	for s, c := range map[Strategy]*Cell{Remote: cell(120, 0), Split: cell(1, 1), Replay: cell(9, 0), Window: cell(120, 0), Batch: cell(14, 0), Single: cell(15, 0)} {
		r.cells[place{"gru", Own, s, 1}] = c
	}
	for s, want := range map[Strategy]bool{Remote: false, Split: false, Replay: true, Window: false, Batch: true, Single: false} {
		if got := r.rowOfPage("gru", s).Cells[1].Best; got != want {
			t.Errorf("%s is among the best: %v, want %v", s, got, want)
		}
	}
}

func TestFiguresThatAreNotWhatTheyAreCalledAreAnError(t *testing.T) {
	fine := func() *Report {
		r := &Report{cfg: tiny, ran: make(map[place]*Ran), crossed: make(map[place]int)}
		for _, s := range Strategies() {
			for _, w := range whats {
				r.ran[place{"gru", w, s, 0}] = &Ran{Here: 1}
				r.crossed[place{"gru", w, s, 0}] = r.crossings(s, w)
				if goesHome(s, w) {
					r.ran[place{"gru", w, s, 0}] = &Ran{Home: 1}
				}
			}
		}
		return r
	}
	for _, tt := range []struct {
		name string
		w    What
		s    Strategy
		ran  Ran
		ok   bool
	}{
		{"as it should be", Write, Remote, Ran{Here: 1}, true},
		{"a write that was not replayed", Write, Replay, Ran{Here: 1, Home: 1}, false},
		{"a write that was replayed and should not", Write, Split, Ran{Here: 1, Home: 1}, false},
		{"a read that went home", Read, Replay, Ran{Here: 1, Home: 1}, false},
		{"an own read that went home", Own, Replay, Ran{Here: 1, Home: 1}, true},
		{"an own read that stayed within the window", Own, Window, Ran{Here: 1, Home: 1}, false},
		{"nothing", Read, Batch, Ran{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := fine()
			r.ran[place{"gru", tt.w, tt.s, 0}] = &tt.ran
			if err := r.check(); (err == nil) != tt.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTheFirstFailureEndsTheOthers(t *testing.T) {
	failed := errors.New("failed")
	err := together(t.Context(), []int{0, 1, 2}, func(ctx context.Context, n int) error {
		if n == 1 {
			return failed
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if err != failed {
		t.Errorf("%v, want what failed first", err)
	}
	if err := together(t.Context(), []int{0, 1}, func(context.Context, int) error { return nil }); err != nil {
		t.Errorf("%v although nothing failed", err)
	}
}

func TestQueriesThatCrossTooOftenAreAnError(t *testing.T) {
	r := &Report{cfg: tiny}
	if err := r.check(); err == nil || !strings.Contains(err.Error(), `a write from gru: 0 queries crossed to the primary by the strategy "remote", not 15`) {
		t.Errorf("%v", err)
	}
}

func TestConfigThatCannotBeMeasured(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"one region", func(c *Config) { c.Regions = c.Regions[:1] }, "two regions at least"},
		{"no queries", func(c *Config) { c.Queries = []int{0} }, "0 queries a request; want 1 to 100"},
		{"too many queries", func(c *Config) { c.Queries = []int{101} }, "101 queries a request"},
		{"queries twice", func(c *Config) { c.Queries = []int{5, 1, 5} }, "5 queries a request are given twice"},
		{"less than no rounds", func(c *Config) { c.Rounds = -1 }, "negative"},
		{"a primary that is nowhere", func(c *Config) { c.Primary = "syd" }, `"syd" is not among the regions`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tiny
			tt.change(&c)
			if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	c := tiny
	one := c.Estimate()
	if c.Rounds *= 2; c.Estimate() != 2*one {
		t.Errorf("twice the rounds take %v, and once %v", c.Estimate(), one)
	}
	if c.Users = 1; c.Estimate() <= 2*one {
		t.Errorf("one user at a time takes %v, two take %v", c.Estimate(), 2*one)
	}
}

func TestSomeQueriesAreShown(t *testing.T) {
	all := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if got := some(all, 5); len(got) != 5 || got[0] != 1 || got[4] != 10 {
		t.Errorf("%v", got)
	}
	if got := some(all[:3], 5); len(got) != 3 {
		t.Errorf("%v", got)
	}
}
