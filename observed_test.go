package homing

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"homing/machine"
	"homing/observe"
	"homing/region"
	"homing/replay"
)

func observing(vars ...string) Env { return in(append([]string{"HOMING_MODE", "observe"}, vars...)...) }

// TestTheReportIsRightAboutWhatItSaw is a script of requests to a shop that runs in
// Amsterdam alone.
func TestTheReportIsRightAboutWhatItSaw(t *testing.T) {
	db := newDB(machine.Primary, "1")
	writes := func(_ http.ResponseWriter, r *http.Request) { db.commit(r.Context()) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", hello)
	mux.HandleFunc("GET /items/{id}", hello)
	mux.HandleFunc("POST /orders", writes)
	mux.HandleFunc("POST /search", hello)
	mux.HandleFunc("POST /preview", hello)
	mux.HandleFunc("GET /visit", writes)
	mux.HandleFunc("/any", hello)
	mux.HandleFunc("GET /healthz", hello)
	s := newSite(t, Config{Env: observing("FLY_REGION", "ams"), Database: db, ReadRoutes: []string{"POST /search"}})
	h := s.Handler(mux)
	for _, step := range []struct {
		times              int
		client, how, where string
	}{
		{100, "gru", "GET", "/"}, {100, "gru", "GET", "/items/7"}, {100, "ams", "GET", "/items/8"},
		{30, "gru", "POST", "/orders"}, {20, "ams", "POST", "/orders"}, {40, "gru", "POST", "/search"},
		{25, "gru", "POST", "/preview"}, {35, "gru", "GET", "/visit"}, {5, "", "GET", "/any"}, {5, "gru", "GET", "/healthz"},
		{5, "gru", "GET", "/nowhere/12345"},
	} {
		for range step.times {
			r := httptest.NewRequest(step.how, step.where, nil)
			if step.client != "" {
				r.Header.Set(replay.RegionHeader, step.client)
			}
			do(h, r)
		}
	}
	p := s.Report()
	if p.Requests != 465 || p.Local != 355 || p.Home != 110 || p.Wrote != 85 || p.Here != "ams" || p.Blind {
		t.Errorf("the report is %+v", p)
	}
	wantRoutes := []observe.Route{
		{Route: "POST /orders", Requests: 50, Home: 50, Reason: "method", Wrote: 50},
		{Route: "GET /visit", Requests: 35, Home: 35, Reason: "captured", Wrote: 35},
		{Route: "POST /preview", Requests: 25, Home: 25, Reason: "method"},
	}
	if !slices.Equal(p.Routes, wantRoutes) {
		t.Errorf("the routes are %+v", p.Routes)
	}
	way, _ := region.RoundTrip("gru", "ams")
	for i, want := range []observe.Clients{
		{Region: "gru", Requests: 340, Local: 250, RoundTrip: way}, {Region: "ams", Requests: 120, Local: 100}, {Requests: 5, Local: 5},
	} {
		c := p.Clients[i]
		if c.Region != want.Region || c.Requests != want.Requests || c.Local != want.Local || c.RoundTrip != want.RoundTrip {
			t.Errorf("clients in %q are %+v, want %+v", want.Region, c, want)
		}
		faster := c.Now.Median > way/2 && c.Expected.Median < way/2
		if faster != (c.Region == "gru") {
			t.Errorf("clients in %q: %v now and %v expected, with a way of %v", c.Region, c.Now, c.Expected, way)
		}
	}
	advice := strings.Join(p.Advice, "\n")
	for _, want := range []string{"76% of requests could be answered near", "gained in gru", "although their method does not say so: GET /visit.",
		"never seen to write, whatever their method says: POST /preview."} {
		if !strings.Contains(advice, want) {
			t.Errorf("the advice lacks %q:\n%s", want, advice)
		}
	}
}

func TestTheReportIsShownAsIsAskedFor(t *testing.T) {
	s := newSite(t, Config{Env: observing("FLY_REGION", "ams")})
	do(s.Handler(http.HandlerFunc(hello)), request("GET", "/<b>&12345"))
	do(s.Handler(http.HandlerFunc(hello)), request("POST", "/<b>&12345"))
	for _, tt := range []struct{ accept, path, kind, want string }{
		{"text/html,*/*", "/", "text/html; charset=utf-8", "<code>POST /&lt;b&gt;&amp;12345</code>"},
		{"*/*", "/", "text/plain; charset=utf-8", "  POST /<b>&12345 (method)"},
		{"application/json", "/", "application/json", `"home":1`},
		{"text/html", "/?format=json", "application/json", `"requests":2`},
	} {
		res := do(s.ReportPage(), request("GET", tt.path, "Accept", tt.accept))
		text := body(t, res)
		if res.Header.Get("Content-Type") != tt.kind || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %v\n%s", tt.accept, tt.path, res.Header, text)
		}
		if p := (observe.Report{}); tt.kind == "application/json" && json.Unmarshal([]byte(text), &p) != nil {
			t.Errorf("no JSON: %s", text)
		}
	}
}

func TestWhereNothingIsObservedTheReportSaysSo(t *testing.T) {
	for _, mode := range []string{"on", "off"} {
		s := newSite(t, Config{Env: replicaIn("HOMING_MODE", mode)})
		if text := fmt.Sprint(s.Report()); !strings.Contains(text, "the mode is "+mode+"; set HOMING_MODE=observe") {
			t.Errorf("%s: %s", mode, text)
		}
	}
}

func TestClientsAreInTheirNetworksRegion(t *testing.T) {
	o := newObserver(Config{ClientNetworks: map[netip.Prefix]region.Code{
		netip.MustParsePrefix("200.1.0.0/16"): "gru", netip.MustParsePrefix("200.1.2.99/24"): "eze", netip.MustParsePrefix("2001:db8::/32"): "nrt",
	}})
	for _, tt := range []struct{ name, peer, forwarded, edge, want string }{
		{"by network", "200.1.9.9:1", "", "", "gru"},
		{"by the longest network", "200.1.2.3:1", "", "", "eze"},
		{"of IPv6", "[2001:db8::1]:1", "", "", "nrt"},
		{"of IPv4 in IPv6", "[::ffff:200.1.9.9]:1", "", "", "gru"},
		{"behind a proxy of one's own", "10.0.0.1:1", "9.9.9.9, 200.1.9.9", "", "gru"},
		{"what a client in public says is not believed", "9.9.9.9:1", "200.1.9.9", "", ""},
		{"rather than by the edge", "200.1.9.9:1", "", "ord", "gru"},
		{"by the edge where no network fits", "9.9.9.9:1", "", "ord", "ord"},
		{"unknown", "9.9.9.9:1", "", "", ""},
		{"what is no region", "9.9.9.9:1", "", "?!", ""},
		{"what is no address", "pipe", "", "", ""},
		{"what is no forwarded address", "10.0.0.1:1", "unknown", "", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if tt.edge != "" {
			r.Header.Set(replay.RegionHeader, tt.edge)
		}
		if got := o.clientOf(r); string(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.Pattern = "GET /items/{id}" })
	env := observing("FLY_REGION", "ams")
	for _, bm := range []struct {
		name string
		h    http.Handler
	}{{"plain", next}, {"observed", newSite(b, Config{Env: env}).Handler(next)},
		{"observed with networks", newSite(b, Config{Env: env, ClientNetworks: map[netip.Prefix]region.Code{netip.MustParsePrefix("192.0.2.0/24"): "gru"}}).Handler(next)}} {
		b.Run(bm.name, func(b *testing.B) {
			r, w := request("GET", "/items/42"), silent{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				bm.h.ServeHTTP(w, r)
			}
		})
	}
}
