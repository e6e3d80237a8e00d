package observe

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/decision"
	"homing/region"
)

func TestARouteIsNamedWithoutWhatDiffers(t *testing.T) {
	for path, want := range map[string]string{
		"/":                                    "GET /",
		"/items/42":                            "GET /items/{…}",
		"/items/42/edit":                       "GET /items/{…}/edit",
		"/api/v2/users":                        "GET /api/v2/users",
		"/prices-2024":                         "GET /prices-2024",
		"/u/0b7e4c1e-91e6-4b0a-8f53-0d1c2d3":   "GET /u/{…}",
		"/t/" + strings.Repeat("x", 50):        "GET /t/{…}",
		"/\xff":                                "GET /?",
		"/" + strings.Repeat("abcdefghi/", 20): "GET " + "/" + strings.Repeat("abcdefghi/", 11) + "…",
	} {
		if got := RouteOf("GET", path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	r := NewRecorder("ams", Names{})
	const all = 2000
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := worker; i < all; i += 4 {
				r.Add(Request{Route: fmt.Sprint("POST /", i), Client: region.Code(fmt.Sprint("r", i)), Reason: decision.Method})
			}
		})
	}
	wait.Wait()
	routes, regions := len(r.routes.all()), len(r.regions.all())
	if routes > MaxRoutes+1 || regions > MaxRegions+1 {
		t.Errorf("%d routes and %d regions are kept", routes, regions)
	}
	p := r.Report()
	if p.Requests != all || p.Home != all || len(p.Routes) != maxListed || p.Routes[0].Route != others {
		t.Errorf("the report is of %d, home %d, with %d routes", p.Requests, p.Home, len(p.Routes))
	}
}

func TestWhatFollows(t *testing.T) {
	type of struct {
		n      int
		client region.Code
		reason decision.Reason
		wrote  bool
	}
	for _, tt := range []struct {
		name string
		here region.Code
		mix  []of
		want string // the first advice, and of others what it holds
	}{
		{"too few", "ams", []of{{10, "gru", decision.Read, false}}, "10 requests say little yet"},
		{"mostly writes", "ams", []of{{100, "gru", decision.Read, false}, {150, "gru", decision.Method, true}}, "Replicas do not suit this app: 60% of"},
		{"all near", "ams", []of{{200, "ams", decision.Read, false}, {50, "lhr", decision.Method, true}}, "no clients are far from ams"},
		{"far", "ams", []of{{200, "ams", decision.Read, false}, {50, "syd", decision.Read, true}, {30, "gru", decision.Read, true}}, "Most is to be gained in syd"},
		{"nobody knows where", "ams", []of{{250, "", decision.Read, true}}, "Where these are is not known"},
		{"the database is nowhere", "", []of{{250, "syd", decision.Read, true}}, "no clients are far from here"},
		{"no write was seen", "ams", []of{{200, "syd", decision.Read, false}, {50, "syd", decision.Method, false}}, "No write was seen in the database"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRecorder(tt.here, Names{})
			for _, m := range tt.mix {
				for range m.n {
					r.Add(Request{Route: "GET /", Client: m.client, Reason: m.reason, Wrote: m.wrote, Took: time.Millisecond})
				}
			}
			if got := strings.Join(r.Report().Advice, "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Where there is no setting, none is spoken of.
func TestAdviceNamesWhatIsThere(t *testing.T) {
	for want, names := range map[string]Names{
		"WriteRoutes, Config.ClientNetworks, homing/postgres": {},
		"--write-route, -, a relay":                           {WriteRoutes: "--write-route", Database: "a relay"},
	} {
		r, blind := NewRecorder("ams", names), NewRecorder("ams", names)
		for range 250 {
			r.Add(Request{Route: "GET /visit", Reason: decision.Captured, Wrote: true})
			r.Add(Request{Route: "GET /", Reason: decision.Read})
			r.Add(Request{Route: "GET /", Reason: decision.Read})
			blind.Add(Request{Route: "GET /", Reason: decision.Read})
		}
		advice := strings.Join(append(r.Report().Advice, blind.Report().Advice...), "\n")
		for _, word := range strings.Split(want, ", ") {
			if word != "-" && !strings.Contains(advice, word) || word == "-" && strings.Contains(advice, "networks") {
				t.Errorf("want %s in\n%s", word, advice)
			}
		}
	}
}

func TestTheTextFitsATerminal(t *testing.T) {
	r := NewRecorder("ams", Names{})
	for i := range 1000 {
		reason := decision.Read
		if i%4 == 0 {
			reason = decision.Method
		}
		r.Add(Request{Route: fmt.Sprintf("POST /route-%d", i%7), Client: []region.Code{"syd", "", "gru"}[i%3], Reason: reason, Wrote: i%8 == 0, Took: time.Hour})
	}
	for line := range strings.Lines(r.Report().String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
