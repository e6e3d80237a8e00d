package homing

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homing/decision"
	"homing/edge/misbehave"
	"homing/homeward"
	"homing/machine"
	"homing/position"
	"homing/replay"
	"homing/trail"
)

const (
	aSecret       = "0123456789abcdef"
	anotherSecret = "fedcba9876543210"
)

// forwardsTo is a machine with nothing in front of it, whose primary is in "ams".
func forwardsTo(url string, env ...string) Env {
	return in(append([]string{"FLY_REGION", "ord", "HOMING_REPLAY", "forward", "HOMING_PRIMARY_URL", url, "HOMING_SECRET", aSecret}, env...)...)
}

// bare is a server with nothing in front.
func bare(t testing.TB, h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// home is the primary's site in "ams", and what came there.
type home struct {
	*httptest.Server
	site  *Site
	asked atomic.Int32
	heard chan arrived
}

type arrived struct {
	stamp homeward.Stamp
	body  string
}

func newHome(t testing.TB, env ...string) *home {
	h := &home{heard: make(chan arrived, 1)}
	h.site = newSite(t, Config{Env: in(append([]string{"FLY_REGION", "ams", "HOMING_SECRET", aSecret}, env...)...), Database: newDB(machine.Primary, "9")})
	h.Server = bare(t, h.site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		stamp, _ := homeward.ReadStamp(h.site.keys, r, time.Now())
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		h.heard <- arrived{stamp, body.String()}
		io.WriteString(w, "from home")
	})))
	return h
}

func send(t testing.TB, srv *httptest.Server, method, path string, body io.Reader, head ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, srv.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(head); i += 2 {
		r.Header.Add(head[i], head[i+1])
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestForwarding(t *testing.T) {
	misbehave.LeavesNothing(t)
	leave := func(m trail.Mark) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Dropped", "1")
			http.Error(w, "dropped", 500)
			trail.Leave(r.Context(), m)
		}
	}
	keys, err := position.ParseKeys(aSecret)
	if err != nil {
		t.Fatal(err)
	}
	newer := cookie("a", sealedBy(keys, position.Token{Engine: "fake", Epoch: "e1", Position: "7"}))
	for _, tt := range []struct {
		name         string
		db           *fakeDB
		method, path string
		body         string
		head         []string
		app          http.HandlerFunc
		reason       decision.Reason
	}{
		{"a write", newDB(machine.Replica, "5"), "POST", "/", "hello", nil, nil, decision.Method},
		{"a write without a body", newDB(machine.Replica, "5"), "DELETE", "/", "", nil, nil, decision.Method},
		{"a route that writes", newDB(machine.Replica, "5"), "GET", "/logout", "", nil, nil, decision.Method},
		{"a read of what is not here yet", newDB(machine.Replica, "5"), "GET", "/", "", []string{"Cookie", newer}, nil, decision.Stale},
		{"where no database is", newDB(machine.None, ""), "GET", "/", "", nil, nil, decision.Down},
		{"a write that was refused", newDB(machine.Replica, "5"), "GET", "/", "", nil, leave(trail.Refused), decision.Captured},
		{"a write that was refused, with a body", newDB(machine.Replica, "5"), "POST", "/search", "hello", nil, leave(trail.Refused), decision.Captured},
		{"a read that was cancelled, with a body", newDB(machine.Replica, "5"), "POST", "/search", "hello", nil, leave(trail.Conflict), decision.Conflict},
		{"a read that found nothing", newDB(machine.Replica, "5"), "GET", "/", "", nil, http.NotFound, decision.Missing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			far := newHome(t)
			s := newSite(t, Config{
				Env: forwardsTo(far.URL), Database: tt.db, Wait: time.Millisecond, SecondTry: true,
				WriteRoutes: []string{"/logout"}, ReadRoutes: []string{"POST /search"},
			})
			app := tt.app
			if app == nil {
				app = func(http.ResponseWriter, *http.Request) { t.Error("the app was asked here") }
			}
			res, text := send(t, bare(t, s.Handler(app)), tt.method, tt.path, strings.NewReader(tt.body), tt.head...)
			if res.StatusCode != 200 || text != "from home" || res.Header.Get("X-Dropped") != "" || res.Header.Get(replay.Header) != "" {
				t.Fatalf("got %d %q %v", res.StatusCode, text, res.Header)
			}
			got := <-far.heard
			if got.stamp.From != "ord" || got.stamp.To != "ams" || got.stamp.Reason != tt.reason || got.body != tt.body {
				t.Errorf("at home: %+v", got)
			}
			if here, there := s.share.all.Load(), far.site.share.all.Load(); here != 1 || there != 0 {
				t.Errorf("counted %d times here and %d times at home", here, there)
			}
			if n := s.way.KeptBytes(); n != 0 {
				t.Errorf("%d bytes are still kept", n)
			}
		})
	}
}

func TestThePrimaryForwardsNothing(t *testing.T) {
	for _, env := range [][]string{{"FLY_REGION", "ams"}, {"FLY_REGION", "ams", "HOMING_EDGE", "1"}} {
		s := newSite(t, Config{Env: forwardsTo("http://127.0.0.1:1", env...), Database: newDB(machine.Primary, "9")})
		res := do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n := s.way.KeptBytes(); n != 0 {
				t.Errorf("%d bytes are kept", n)
			}
			trail.Leave(r.Context(), trail.Refused)
			hello(w, r)
		})), httptest.NewRequest("POST", "/", strings.NewReader("hello")))
		if res.StatusCode != 200 {
			t.Errorf("%v: got %d", env, res.StatusCode)
		}
	}
	// An edge of ours keeps what a primary cannot serve just now.
	s := newSite(t, Config{Env: forwardsTo("http://127.0.0.1:1", "FLY_REGION", "ams", "HOMING_EDGE", "1"), Database: newDB(machine.Primary, "9")})
	res := do(s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { trail.Leave(r.Context(), trail.Conflict) })), request("GET", "/"))
	if sentHome(res) != "down" {
		t.Errorf("a primary's database that is gone: %d %v", res.StatusCode, res.Header)
	}
}

// A body is kept only where it may be needed.
func TestWhatIsKept(t *testing.T) {
	read := Config{ReadRoutes: []string{"/"}}
	for _, tt := range []struct {
		name string
		env  Env
		body string
		want int64
	}{
		{"a body on a replica", forwardsTo("http://127.0.0.1:1"), "hello", 5},
		{"no body", forwardsTo("http://127.0.0.1:1"), "", 0},
		{"a body where a proxy replays", replicaIn("HOMING_SECRET", aSecret), "hello", 0},
		{"a small body on Fly", onFly("http://127.0.0.1:1"), "hello", 0},
		{"a large body on Fly", onFly("http://127.0.0.1:1"), strings.Repeat("x", flyReplays+1), flyReplays + 1},
	} {
		cfg := read
		cfg.Env, cfg.Database = tt.env, newDB(machine.Replica, "5")
		s := newSite(t, cfg)
		_, text := send(t, serve(t, s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			kept := int64(0)
			if s.way != nil {
				kept = s.way.KeptBytes()
			}
			fmt.Fprint(w, kept >= tt.want && kept < tt.want+32<<10 && (kept > 0) == (tt.want > 0), kept)
		}))), "POST", "/", strings.NewReader(tt.body))
		if !strings.HasPrefix(text, "true") {
			t.Errorf("%s: %s bytes are kept", tt.name, text)
		}
		if s.way != nil {
			misbehave.Eventually(t, "nothing is kept", func() bool { return s.way.KeptBytes() == 0 })
		}
	}
}

func TestAWriteThatIsFoundOutTooLateIsRefused(t *testing.T) {
	misbehave.LeavesNothing(t)
	far := newHome(t)
	log, lines := logTo()
	s := newSite(t, Config{Env: forwardsTo(far.URL), Database: newDB(machine.Replica, "5"), ReadRoutes: []string{"POST /upload/{id}"}, Logger: log})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload/{id}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		refuse(r)
	})
	srv := bare(t, s.Handler(mux))
	for i := range 2 {
		res, text := send(t, srv, "POST", fmt.Sprint("/upload/", i), bytes.NewReader(make([]byte, 11<<20)))
		if res.StatusCode != 413 || !strings.Contains(text, "ams") {
			t.Errorf("got %d %q", res.StatusCode, text)
		}
	}
	if n := far.asked.Load(); n != 0 {
		t.Errorf("it was sent home %d times", n)
	}
	if lines.count("(413)") != 1 || lines.count(`route="POST /upload/{id}" by=WriteRoutes`) != 2 {
		t.Errorf("want one line for the refusal, and one for the route: %s", lines)
	}
}

// It is larger than what would be kept.
func TestALargeWriteStreamsHome(t *testing.T) {
	misbehave.LeavesNothing(t)
	far := newHome(t)
	s := newSite(t, Config{Env: forwardsTo(far.URL), Database: newDB(machine.Replica, "5")})
	const size = 12 << 20
	res, _ := send(t, bare(t, s.Handler(http.NotFoundHandler())), "POST", "/", io.LimitReader(zeroes{}, size))
	if got := <-far.heard; res.StatusCode != 200 || len(got.body) != size {
		t.Errorf("got %d, and %d bytes arrived", res.StatusCode, len(got.body))
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestALoopIsEndedAfterOneHop(t *testing.T) {
	misbehave.LeavesNothing(t)
	for _, tt := range []struct{ name, region, want string }{
		{"of two", "gru", "sent home from gru, but the primary is not in ord, where it arrived: correct HOMING_PRIMARY_URL in gru, or PRIMARY_REGION."},
		{"to itself", "ord", "sent home from ord, but the primary is not in ord, where it arrived: correct HOMING_PRIMARY_URL in ord, or PRIMARY_REGION."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			log, lines := logTo()
			var last http.Handler
			end := bare(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				last.ServeHTTP(w, r)
			}))
			last = newSite(t, Config{Env: forwardsTo(end.URL), Database: newDB(machine.Replica, "5"), Logger: log}).Handler(http.NotFoundHandler())
			first, hops := end, int32(2)
			if tt.region != "ord" {
				first, hops = bare(t, newSite(t, Config{
					Env: forwardsTo(end.URL, "FLY_REGION", tt.region), Database: newDB(machine.Replica, "5"),
				}).Handler(http.NotFoundHandler())), 1
			}
			for range 2 {
				asked.Store(0)
				res, text := send(t, first, "POST", "/", strings.NewReader("hello"))
				if res.StatusCode != 508 || text != "homing: this request was "+tt.want+"\n" {
					t.Errorf("got %d %q", res.StatusCode, text)
				}
				if n := asked.Load(); n != hops {
					t.Errorf("the last site was asked %d times, want %d", n, hops)
				}
			}
			if lines.count(tt.want) != 1 {
				t.Errorf("want one line: %s", lines)
			}
		})
	}
}

// What a client says of having been sent home is neither believed nor sent on.
func TestAStampThatIsNotBelieved(t *testing.T) {
	far := newHome(t)
	log, lines := logTo()
	s := newSite(t, Config{Env: forwardsTo(far.URL), Database: newDB(machine.Replica, "5"), Logger: log})
	srv := bare(t, s.Handler(http.HandlerFunc(hello)))
	keys, err := position.ParseKeys(anotherSecret)
	if err != nil {
		t.Fatal(err)
	}
	forged := homeward.Stamp{From: "zzz", To: "ams", Reason: decision.Stale, At: time.Now()}
	for _, value := range []string{forged.Sign(keys, httptest.NewRequest("POST", "/", nil)), "from=<b>;to=x", ""} {
		res, text := send(t, srv, "GET", "/", nil, replay.ForwardedHeader, value)
		if res.StatusCode != 200 || text != "hello" {
			t.Errorf("%q: a read got %d %q", value, res.StatusCode, text)
		}
		res, text = send(t, srv, "POST", "/", nil, replay.ForwardedHeader, value)
		if res.StatusCode != 508 || strings.Contains(text, "zzz") || strings.Contains(text, "<b>") || !strings.Contains(text, "not in ord") {
			t.Errorf("%q: a write got %d %q", value, res.StatusCode, text)
		}
	}
	if far.asked.Load() != 0 || lines.count("HOMING_SECRET must be the same") != 1 || lines.count(aSecret)+lines.count(anotherSecret) != 0 {
		t.Errorf("sent on %d times; %s", far.asked.Load(), lines)
	}
}

func TestASecretIsRotated(t *testing.T) {
	misbehave.LeavesNothing(t)
	far := newHome(t, "HOMING_SECRET", aSecret+","+anotherSecret)
	s := newSite(t, Config{Env: forwardsTo(far.URL, "HOMING_SECRET", anotherSecret+","+aSecret), Database: newDB(machine.Replica, "5")})
	send(t, bare(t, s.Handler(http.NotFoundHandler())), "POST", "/", nil)
	if got := <-far.heard; got.stamp.Reason != decision.Method {
		t.Errorf("at home: %+v", got)
	}
}

// Where the way leads to a site that is not the primary's and has a proxy in front,
// that can still take the request there.
func TestASentRequestGoesOnByAReplay(t *testing.T) {
	env := replicaIn("HOMING_EDGE", "0", "HOMING_SECRET", aSecret)
	log, lines := logTo()
	s := newSite(t, Config{Env: env, Database: newDB(machine.Replica, "5"), Logger: log})
	stamped := func(head ...string) *http.Request {
		r := request("GET", "/", head...)
		r.Header.Set(replay.ForwardedHeader, homeward.Stamp{From: "gru", To: "ams", Reason: decision.Missing, At: time.Now()}.Sign(env.Keys, r))
		return r
	}
	noProxy := stamped()
	noProxy.Header.Del(replay.RegionHeader)
	for _, tt := range []struct {
		name   string
		r      *http.Request
		status int
		home   string
	}{
		{"with a proxy in front", stamped(), 409, "missing"},
		{"once that has replayed it", stamped(replay.SourceHeader, "region=gru;state=missing"), 503, ""},
		{"with nothing in front", noProxy, 508, ""},
	} {
		res := do(s.Handler(http.HandlerFunc(hello)), tt.r)
		if res.StatusCode != tt.status || sentHome(res) != tt.home {
			t.Errorf("%s: got %d %v", tt.name, res.StatusCode, res.Header)
		}
	}
	if lines.count("is not believed") != 0 {
		t.Error(lines)
	}
}

func TestAPrimaryThatIsGone(t *testing.T) {
	misbehave.LeavesNothing(t)
	refused := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { refuse(r) })
	asked := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { GoHome(r.Context()) })
	for _, tt := range []struct {
		name    string
		method  string
		app     http.Handler
		steps   []misbehave.Step
		status  int
		outcome string
		asked   int
	}{
		{"before it was sent anything", "POST", refused, nil, 503, "", 0},
		{"at work", "POST", refused, []misbehave.Step{misbehave.Head(), misbehave.Body(5), misbehave.Reset()}, 502, "unknown", 1},
		{"at work for a GET that was found to write", "GET", refused, []misbehave.Step{misbehave.Head(), misbehave.Reset()}, 502, "unknown", 1},
		{"at work for a GET whose handler is marked", "GET", Writes(refused), []misbehave.Step{misbehave.Head(), misbehave.Reset()}, 502, "unknown", 1},
		{"at work for a GET whose handler asked for it", "GET", asked, []misbehave.Step{misbehave.Head(), misbehave.Reset()}, 502, "unknown", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := misbehave.NewMachine(t, tt.steps...)
			url := "http://" + m.Addr
			if tt.steps == nil {
				url = "http://127.0.0.1:1"
			}
			log, lines := logTo()
			s := newSite(t, Config{Env: forwardsTo(url), Database: newDB(machine.Replica, "5"), Logger: log})
			res, text := send(t, bare(t, s.Handler(tt.app)), tt.method, "/pay", strings.NewReader(map[string]string{"POST": "hello"}[tt.method]))
			if res.StatusCode != tt.status || res.Header.Get(replay.OutcomeHeader) != tt.outcome || m.Deliveries("/pay") != tt.asked {
				t.Errorf("got %d %v after %d deliveries", res.StatusCode, res.Header, m.Deliveries("/pay"))
			}
			if !strings.Contains(text, "ams") || lines.count("could not be sent home") != 1 {
				t.Errorf("got %q; %s", text, lines)
			}
		})
	}
}

func TestAnUpgradeGoesHome(t *testing.T) {
	misbehave.LeavesNothing(t)
	m := misbehave.NewMachine(t, misbehave.Head(), misbehave.Say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"), misbehave.End())
	s := newSite(t, Config{Env: forwardsTo("http://" + m.Addr), Database: newDB(machine.Replica, "5"), WriteRoutes: []string{"/chat"}})
	c := misbehave.Dial(t, bare(t, s.Handler(http.NotFoundHandler())).Listener.Addr().String())
	c.Do(misbehave.Say("GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
	if got := c.Heard(); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.HasSuffix(got, "hello") {
		t.Errorf("heard %q", got)
	}
}

// An edge's word moves the region that a request is for, and not where it is sent.
func TestForwardingWhileAnEdgeKnowsBetter(t *testing.T) {
	misbehave.LeavesNothing(t)
	far := newHome(t)
	s := newSite(t, Config{Env: forwardsTo(far.URL, "HOMING_EDGE", "1"), Database: newDB(machine.Replica, "5")})
	res, _ := send(t, serve(t, s.Handler(http.NotFoundHandler())), "POST", "/", nil, replay.PrimaryHeader, "cdg;epoch=e1")
	if got := <-far.heard; got.stamp.To != "cdg" || decided(t, res).Reason != decision.Method {
		t.Errorf("at home: %+v; decided %v", got, decided(t, res))
	}
}

// onFly is a replica's machine behind Fly's own proxy; url may be empty.
func onFly(url string, env ...string) Env {
	return in(append([]string{"FLY_REGION", "ord", "FLY_APP_NAME", "shop", "FLY_MACHINE_ID", "m1", "HOMING_PRIMARY_URL", url, "HOMING_SECRET", aSecret}, env...)...)
}

func TestOnFlyALargeBodyIsForwarded(t *testing.T) {
	misbehave.LeavesNothing(t)
	small, large := make([]byte, flyReplays), make([]byte, flyReplays+1)
	for _, tt := range []struct {
		name   string
		env    []string
		body   io.Reader
		route  string
		status int
		lines  int
	}{
		{"what Fly replays", nil, bytes.NewReader(small), "/", 409, 0},
		{"nothing", nil, nil, "/", 409, 0},
		{"too much", nil, bytes.NewReader(large), "/", 200, 0},
		{"of unknown length", nil, struct{ io.Reader }{bytes.NewReader(small[:5])}, "/", 200, 0},
		{"too much, found out late", nil, bytes.NewReader(large), "/search", 200, 0},
		{"too much, without a secret", []string{"HOMING_SECRET", ""}, bytes.NewReader(large), "/", 409, 1},
		{"too much, behind an edge of ours", []string{"HOMING_EDGE", "1"}, bytes.NewReader(large), "/", 409, 0},
		{"too much, not on Fly", []string{"FLY_MACHINE_ID", ""}, bytes.NewReader(large), "/", 409, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			far := newHome(t)
			log, lines := logTo()
			s := newSite(t, Config{Env: onFly(far.URL, tt.env...), Database: newDB(machine.Replica, "5"), ReadRoutes: []string{"/search"}, Logger: log})
			srv := serve(t, s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				refuse(r)
			})))
			res, _ := send(t, srv, "POST", tt.route, tt.body)
			if res.StatusCode != tt.status || (sentHome(res) == "method") != (tt.status == 409) || (far.asked.Load() == 1) != (tt.status == 200) {
				t.Errorf("got %d %v, and home was asked %d times", res.StatusCode, res.Header, far.asked.Load())
			}
			if lines.count("set HOMING_SECRET") != tt.lines {
				t.Error(lines)
			}
		})
	}
}

func TestWhereFlyHasThePrimary(t *testing.T) {
	for want, env := range map[string][]string{"http://ams.shop.internal:8080": nil, "http://ams.shop.internal:3000": {"PORT", "3000"}} {
		s := newSite(t, Config{Env: onFly("", env...)})
		if got := s.flyURL(); got != want || s.way == nil {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if s := newSite(t, Config{Env: replicaIn("HOMING_SECRET", aSecret)}); s.way != nil {
		t.Error("elsewhere there is a way, too")
	}
}

func TestNewRefusesToForwardNowhere(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"all is missing", Config{Replay: Forward}, []string{"HOMING_PRIMARY_URL", "HOMING_SECRET"}},
		{"no secret", Config{Replay: Forward, PrimaryURL: "http://host"}, []string{"set HOMING_SECRET"}},
		{"no URL", Config{Replay: Forward, Secret: aSecret}, []string{"set HOMING_PRIMARY_URL"}},
		{"a bad URL", Config{Replay: Forward, PrimaryURL: "http://u:hunter2@host", Secret: aSecret}, []string{"HOMING_PRIMARY_URL", "password"}},
		{"a bad URL that nobody needs", Config{PrimaryURL: "host/hunter2"}, []string{"HOMING_PRIMARY_URL"}},
		{"a word that is none", Config{Replay: "never"}, []string{"want proxy or forward"}},
	} {
		tt.cfg.Region, tt.cfg.PrimaryRegion = "ord", "ams"
		_, err := New(tt.cfg)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v, want it to say %q", tt.name, err, want)
			}
		}
	}
	if _, err := FromLookup(func(name string) string { return map[string]string{"HOMING_REPLAY": "never"}[name] }); err == nil || !strings.Contains(err.Error(), "HOMING_REPLAY") {
		t.Errorf("HOMING_REPLAY=never: %v", err)
	}
	log, lines := logTo()
	newSite(t, Config{Env: forwardsTo("http://host"), Logger: log})
	if lines.count(`replay="forward (HOMING_REPLAY)"`) != 1 || lines.count(`primary_url="http://host (HOMING_PRIMARY_URL)"`) != 1 {
		t.Error(lines)
	}
}

func TestWithNothingInFrontBothWaysOutAreNamed(t *testing.T) {
	log, lines := logTo()
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5"), Logger: log})
	res := do(s.Handler(http.HandlerFunc(hello)), httptest.NewRequest("POST", "/", nil))
	text := body(t, res)
	for _, want := range []string{"edge", "HOMING_REPLAY=forward", "HOMING_PRIMARY_URL"} {
		if res.StatusCode != 503 || !strings.Contains(text, want) || lines.count(want) == 0 {
			t.Errorf("%d %q and %s lack %q", res.StatusCode, text, lines, want)
		}
	}
}
