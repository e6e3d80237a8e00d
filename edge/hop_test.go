package edge_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/replay"
)

// starting is a machine that listens and is not healthy yet.
func starting(m fleet.Machine) fleet.Machine {
	m.Healthy = false
	return m
}

func TestATargetThatIsNotReadyIsWaitedFor(t *testing.T) {
	home := serving(t, "home", "ord", hello)
	asked := make(chan struct{}, 1)
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		replays("region=ord")(w, r)
	})
	f := fleet.New(distances, near, starting(home))
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	go func() {
		<-asked
		f.Update(home)
	}()
	if a := w.do("POST", "/", "x"); a.status != 200 || a.body != "hello" {
		t.Errorf("got %+v", a)
	}
	wantWay(t, w.record(), "near", "home")
}

func TestATargetThatDoesNotGetReadyInTime(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=ord;timeout=30ms")), starting(serving(t, "home", "ord", hello)))
	wantProblem(t, w.do("GET", "/", ""), 503, "PR03", "in ord")
}

func TestFallbacks(t *testing.T) {
	// near replays once, and says what it is told when the request is back.
	near := func(instruction string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			failed := r.Header.Get("Fly-Replay-Failed")
			if failed == "" {
				replays(instruction)(w, r)
				return
			}
			f, err := replay.ParseFailure(failed)
			fmt.Fprint(w, f.Source, " ", f.Region, " ", f.Instance, " ", f.Reason, " ", f.Elapsed < time.Minute, " ", err, r.Header["Fly-Replay-Src"])
		}
	}
	for name, tc := range map[string]struct{ instruction, want string }{
		"nothing is there":     {"region=gru;fallback=force_self", "near gru  no_candidate true <nil> []"},
		"nobody is called so":  {"instance=nobody;fallback=prefer_self", "near  nobody no_candidate true <nil> []"},
		"it is not ready":      {"region=ord;timeout=30ms;fallback=force_self", "near ord  timeout true <nil> []"},
		"it does not listen":   {"region=lhr;timeout=30ms;fallback=prefer_self", "near lhr  timeout true <nil> []"},
		"it prefers the other": {"region=syd;fallback=force_self", "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, serving(t, "near", "ams", near(tc.instruction)), starting(serving(t, "home", "ord", hello)),
				refusing(t, "deaf", "lhr"), serving(t, "well", "syd", hello))
			if a := w.do("POST", "/", "x"); a.body != tc.want {
				t.Errorf("got %d %q, want %q", a.status, a.body, tc.want)
			}
		})
	}
}

func TestAFallbackCannotBeReplayedAgain(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=gru;fallback=force_self")))
	wantProblem(t, w.do("GET", "/", ""), 502, "PA03", "fallback")
}

func TestSeveralApps(t *testing.T) {
	web := serving(t, "w1", "ams", func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			replays("app="+to)(w, r)
			return
		}
		fmt.Fprint(w, "web")
	})
	api := serving(t, "a1", "ord", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "api") })
	bank := serving(t, "b1", "ord", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "bank") })
	open := serving(t, "o1", "ord", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "open") })
	api.App, bank.App, open.App = "api", "bank", "open"
	f := fleet.New(distances, web, api, bank, open)
	if err := f.SetApps(
		fleet.App{Name: "web", Organisation: "us", Hosts: []string{"web.example"}},
		fleet.App{Name: "api", Organisation: "us", Hosts: []string{"*.api.example"}},
		fleet.App{Name: "bank", Organisation: "them"},
		fleet.App{Name: "open", Organisation: "them", AllowFrom: []fleet.Organisation{"us"}},
	); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *edge.Config) { c.Fleet, c.App = f, "" })
	for name, tc := range map[string]struct {
		host, path string
		status     int
		says       string
	}{
		"a host of its own":                {"web.example:8080", "/", 200, "web"},
		"a host below another":             {"v1.API.example", "/", 200, "api"},
		"a host of nobody":                 {"other.example", "/", 404, "HOST"},
		"into an app of ours":              {"web.example", "/?to=api", 200, "api"},
		"into an app of others":            {"web.example", "/?to=bank", 502, "PA05"},
		"into one of others that allow it": {"web.example", "/?to=open", 200, "open"},
		"into an app that is not there":    {"web.example", "/?to=none", 502, "PA04"},
	} {
		r := w.request("GET", tc.path, strings.NewReader(""))
		r.Host = tc.host
		if a := w.send(r); a.status != tc.status || !strings.Contains(a.body, tc.says) {
			t.Errorf("%s: %d %q; want %d and %q", name, a.status, a.body, tc.status, tc.says)
		}
	}
}

func TestAClientMayAskForAPlace(t *testing.T) {
	who := func(id string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, id, r.Header["Fly-Preferred-Instance-Unavailable"])
		}
	}
	w := newWorld(t, nil, serving(t, "near", "ams", who("near")), serving(t, "home", "ord", who("home")),
		serving(t, "south", "gru", who("south")), starting(serving(t, "ill", "lhr", who("ill"))))
	for name, tc := range map[string]struct {
		header []string
		status int
		want   string
	}{
		"nothing":                         {nil, 200, "near[]"},
		"a region first":                  {[]string{"Fly-Prefer-Region", "lhr,gru,ord"}, 200, "south[]"},
		"regions where nobody is":         {[]string{"Fly-Prefer-Region", "syd"}, 200, "near[]"},
		"a region and no other":           {[]string{"Fly-Force-Region", "ord"}, 200, "home[]"},
		"a region and no other, empty":    {[]string{"Fly-Force-Region", "syd"}, 503, "PR03"},
		"a machine":                       {[]string{"Fly-Prefer-Instance-Id", "south"}, 200, "south[]"},
		"a machine that is gone":          {[]string{"Fly-Prefer-Instance-Id", "nobody"}, 200, "near[nobody]"},
		"this machine, healthy or not":    {[]string{"Fly-Force-Instance-Id", "ill"}, 200, "ill[]"},
		"this machine, which nobody is":   {[]string{"Fly-Force-Instance-Id", "nobody"}, 503, "PR03"},
		"a place that nobody could go to": {[]string{"Fly-Force-Region", "!"}, 400, "fly-force-region"},
		"a wish that cannot be read":      {[]string{"Fly-Prefer-Region", "!"}, 200, "near[]"},
	} {
		if a := w.do("GET", "/", "", tc.header...); a.status != tc.status || !strings.Contains(a.body, tc.want) {
			t.Errorf("%s: %d %q; want %d and %q", name, a.status, a.body, tc.status, tc.want)
		}
	}
}

func TestAReplayOverridesWhatTheClientAsked(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=ord")), serving(t, "home", "ord", hello), serving(t, "south", "gru", replays("region=ord")))
	if a := w.do("GET", "/", "", "Fly-Force-Region", "gru"); a.body != "hello" {
		t.Errorf("got %+v", a)
	}
	wantWay(t, w.record(), "south", "home")
}

func TestRequestsWaitAtTheHardLimit(t *testing.T) {
	busy, done := make(chan struct{}), make(chan struct{})
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(busy)
			<-done
		}
	})
	near.Limits.Hard = 1
	f := fleet.New(distances, near)
	w := newWorld(t, func(c *edge.Config) { c.Fleet, c.Queue = f, fleet.Queue{Room: 1, Patience: time.Minute} })
	slow, waiting := make(chan answer, 1), make(chan answer, 1)
	go func() { slow <- w.do("GET", "/slow", "") }()
	<-busy
	go func() { waiting <- w.do("GET", "/waits", "") }()
	w.eventually("one is waiting", func() bool {
		m, _ := f.Snapshot().Machine("web", "near")
		return m.Waiting() == 1
	})
	full := w.do("GET", "/too-many", "")
	wantProblem(t, full, 503, "PL02", "limit")
	if full.header.Get("Retry-After") == "" {
		t.Error("nobody is told when to come again")
	}
	close(done)
	if a := <-slow; a.status != 200 {
		t.Errorf("the slow one got %+v", a)
	}
	if a := <-waiting; a.status != 200 {
		t.Errorf("the one that waited got %+v", a)
	}
}

func TestWhoWaitsTooLongIsTold(t *testing.T) {
	busy, done := make(chan struct{}), make(chan struct{})
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		close(busy)
		<-done
	})
	near.Limits.Hard = 1
	f := fleet.New(distances, near)
	w := newWorld(t, func(c *edge.Config) { c.Fleet, c.Queue = f, fleet.Queue{Patience: 20 * time.Millisecond} })
	first := make(chan answer, 1)
	go func() { first <- w.do("GET", "/", "") }()
	<-busy
	wantProblem(t, w.do("GET", "/", ""), 503, "PL02", "limit")
	close(done)
	<-first
}

// TestTheQueueHasATimeOfItsOwn: what is waited there is not taken from the time for
// reaching the machine.
func TestTheQueueHasATimeOfItsOwn(t *testing.T) {
	const timeout = 300 * time.Millisecond
	release := make(chan struct{})
	held := make(chan struct{}, 1)
	home := serving(t, "home", "ord", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/holds" {
			held <- struct{}{}
			<-release
		}
		hello(w, r)
	})
	home.Limits.Hard = 1
	f := fleet.New(distances, serving(t, "near", "ams", replays("region=ord;timeout="+timeout.String())), home)
	left := make(chan time.Duration, 10)
	w := newWorld(t, func(c *edge.Config) {
		c.Fleet = f
		c.Machines.MaxIdle = 1
		c.Machines.IdleTimeout = 1 // so that each request connects
		c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if until, ok := ctx.Deadline(); ok && addr == home.Addr {
				left <- time.Until(until)
			}
			return new(net.Dialer).DialContext(context.WithoutCancel(ctx), network, addr)
		}
	})
	go w.do("GET", "/holds", "")
	<-held
	<-left
	m, _ := f.Snapshot().Machine("web", "home")
	got := make(chan answer, 1)
	go func() { got <- w.do("GET", "/waits", "") }()
	w.eventually("one waits", func() bool { return m.Waiting() == 1 })
	<-time.After(timeout) // it waits for longer than it may take to reach the machine
	close(release)
	if a := <-got; a.body != "hello" {
		t.Fatalf("got %+v", a)
	}
	if rest := <-left; rest <= timeout/10 {
		t.Errorf("%v of %v are left for connecting", rest, timeout)
	}
}
