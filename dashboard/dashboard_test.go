package dashboard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"homing/dashboard"
	"homing/decision"
	"homing/dev"
	"homing/health"
	"homing/journey"
	"homing/machine"
)

const host = "127.0.0.1:7600"

// ask sends a request as curl does, with headers given as "Name: value".
func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestMetricsAreThoseOfTheWorld(t *testing.T) {
	if got := ask(newPage(newWorld()), "GET", "/metrics"); got.Code != 200 || got.Body.String() != "counted 1\n" {
		t.Errorf("%d %q", got.Code, got.Body)
	}
	none := dashboard.New(dashboard.Config{World: newWorld(), Primary: "ord"})
	if got := ask(none, "GET", "/metrics"); got.Code != 404 {
		t.Errorf("without any: %d %q", got.Code, got.Body)
	}
}

func TestThePageAndItsFiles(t *testing.T) {
	h := newPage(newWorld())
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8",
	} {
		got := ask(h, "GET", path)
		if got.Code != 200 || got.Header().Get("Content-Type") != kind || got.Body.Len() == 0 {
			t.Errorf("GET %s: %d, %s, %d bytes", path, got.Code, got.Header().Get("Content-Type"), got.Body.Len())
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if v := got.Header().Get(name); v != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, v, want)
			}
		}
		policy := got.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("GET %s: the policy %q lacks %s", path, policy, part)
			}
		}
	}
}

func TestThePageNamesTheRegionsAndLinksToTheirEdges(t *testing.T) {
	page := ask(newPage(newWorld()), "GET", "/").Body.String()
	for _, part := range []string{
		"Make one Postgres feel local on every continent.", "São Paulo", `data-region="gru"`,
		`href="http://gru.localhost:7602"`, "Open the guestbook here", "Hold back replication to São Paulo",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	for _, part := range []string{"Hold back replication to Chicago", "Make primary", "<table", "style="} {
		if strings.Contains(page, part) {
			t.Errorf("the page has %s", part)
		}
	}
}

func TestThePrimaryCanMoveWhereTheDatabaseCan(t *testing.T) {
	w := newWorld()
	w.moves = true
	page := ask(newPage(w), "GET", "/").Body.String()
	for _, part := range []string{
		`data-switch="primary" hidden aria-label="Make Chicago the primary"`, `data-switch="primary" aria-label="Make São Paulo the primary"`,
		`data-switch="held" hidden aria-label="Hold back replication to Chicago"`,
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	w.fails = errors.New("gru is stopped")
	if got := ask(newPage(w), "POST", "/regions/gru/promote"); got.Code != 409 || got.Body.String() != "gru is stopped\n" {
		t.Errorf("%d %q", got.Code, got.Body)
	}
}

func TestThePageSaysWhereThePrimaryIsNow(t *testing.T) {
	page := ask(dashboard.New(dashboard.Config{World: newWorld(), Primary: "gru"}), "GET", "/").Body.String()
	if !strings.Contains(page, `data-primary="ord"`) {
		t.Error("the page goes by where the primary was at start")
	}
}

func TestWhatWasMeasuredIsShown(t *testing.T) {
	h := dashboard.New(dashboard.Config{
		World: newWorld(), Primary: "ord", MeasuredFrom: "gru",
		Measured: []dashboard.Row{{What: "Read the page", Home: "121 ms", Homing: "1 ms"}},
	})
	page := ask(h, "GET", "/").Body.String()
	for _, part := range []string{"as measured from gru at start", "Read the page", "121 ms", "everything in ord", "with Homing"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
}

// What strangers wrote must never be read as HTML.
func TestTheScriptPutsInTextOnly(t *testing.T) {
	script, err := fs.ReadFile(os.DirFS("."), "page.js")
	if err != nil {
		t.Fatal(err)
	}
	if bad := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|\.href\s*=`).Find(script); bad != nil {
		t.Errorf("page.js uses %s", bad)
	}
}

func TestState(t *testing.T) {
	w := newWorld()
	w.log.Add(&journey.Record{
		ID: "01J-gru", Edge: "gru", Start: time.Date(2026, 1, 2, 4, 5, 6, 7_800_000, time.FixedZone("", 3600)),
		Duration: 185 * time.Millisecond, Method: "GET", Host: "gru.localhost", Path: "/visits", Status: 200,
		Hops: []journey.Hop{{
			Machine: "b0b", Region: "gru", Took: 62 * time.Millisecond, Status: 409, Replayed: true,
			Decision: decision.Decision{Reason: decision.Stale, Role: machine.Replica, Wanted: "1f", Found: "1e", Waited: 60 * time.Millisecond},
		}, {
			Machine: "a1a", Region: "ord", Start: 62 * time.Millisecond, Took: 122500 * time.Microsecond, Way: 120 * time.Millisecond, Status: 200,
		}},
	})
	w.log.Add(&journey.Record{
		ID: "02J-gru", Edge: "gru", Start: time.Date(2026, 1, 2, 3, 5, 7, 0, time.UTC), Method: "POST", Path: "/", Status: 503, Code: "PR03", Problem: "no machine",
		Hops: []journey.Hop{{Machine: "b0b", Region: "gru", Problem: "refused"}},
	})
	got := ask(newPage(w), "GET", "/state")
	if kind := got.Header().Get("Content-Type"); got.Code != 200 || kind != "application/json" {
		t.Fatalf("%d, %s", got.Code, kind)
	}
	want := `{"regions":[
		{"region":"ord","city":"Chicago","machine":"a1a","edge_url":"http://ord.localhost:7601","distance_ms":0,"role":"primary","running":true,
		 "position":"000000000000001f","lag_ms":0,"lag_bytes":null,"behind":false,"held":false,"cut":false,"waiting":0,"problem":"","primary":true},
		{"region":"gru","city":"São Paulo","machine":"b0b","edge_url":"http://gru.localhost:7602","distance_ms":120,"role":"replica","running":true,
		 "position":"000000000000001e","lag_ms":60.001,"lag_bytes":4096,"behind":true,"held":true,"cut":false,"waiting":2,"problem":"a problem","primary":false}],
	"journeys":[
		{"id":"01J-gru","at":"2026-01-02T03:05:06.007Z","edge":"gru","method":"GET","path":"/visits","status":200,"code":"","problem":"",
		 "took_ms":185,"at_home_ms":122.5,"hops":[
			{"machine":"b0b","region":"gru","start_ms":0,"took_ms":62,"way_ms":0,"status":409,"replayed":true,"reason":"stale",
			 "words":"what this client wrote has not arrived here in time","action":"home","role":"replica","wanted":"1f","found":"1e","waited_ms":60,"problem":""},
			{"machine":"a1a","region":"ord","start_ms":62,"took_ms":122.5,"way_ms":120,"status":200,"replayed":false,"reason":"",
			 "words":"","action":"","role":"","wanted":"","found":"","waited_ms":0,"problem":""}]},
		{"id":"02J-gru","at":"2026-01-02T03:05:07.000Z","edge":"gru","method":"POST","path":"/","status":503,"code":"PR03","problem":"no machine",
		 "took_ms":0,"at_home_ms":null,"hops":[
			{"machine":"b0b","region":"gru","start_ms":0,"took_ms":0,"way_ms":0,"status":0,"replayed":false,"reason":"",
			 "words":"","action":"","role":"","wanted":"","found":"","waited_ms":0,"problem":"refused"}]}]}`
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if body := strings.TrimSpace(got.Body.String()); body != compact.String() {
		t.Errorf("got  %s\nwant %s", body, compact.String())
	}
}

func TestAWorldWithoutADatabaseHasSeveralMachines(t *testing.T) {
	w := newWorld()
	w.gru.NoDatabase = true
	w.gru.Machines = []dev.MachineStatus{{ID: "b0b", Addr: "127.0.0.1:1", Running: true, Ready: true}, {ID: "c0c", Addr: "127.0.0.1:2", Problem: "stopped"}}
	w.gru.Machines[0].Checks = []dev.CheckStatus{
		{Name: "a", Finding: health.Finding{Known: true, Output: "fine"}}, {Name: "b", Finding: health.Finding{Known: true, Problem: "503"}}, {Name: "c"},
	}
	want := `"primary":false,"no_database":true,"machines":[` +
		`{"id":"b0b","addr":"127.0.0.1:1","running":true,"ready":true,"problem":"","checks":[` +
		`{"name":"a","state":"passing","problem":"","output":"fine"},{"name":"b","state":"failing","problem":"503","output":""},` +
		`{"name":"c","state":"unknown","problem":"","output":""}]},` +
		`{"id":"c0c","addr":"127.0.0.1:2","running":false,"ready":false,"problem":"stopped"}]}`
	if body := ask(newPage(w), "GET", "/regions").Body.String(); !strings.Contains(body, want) {
		t.Errorf("%s\nlacks %s", body, want)
	}
	if page := ask(newPage(w), "GET", "/").Body.String(); strings.Contains(page, "Hold back replication to São Paulo") {
		t.Error("replication can be held back where there is none")
	}
}

func TestStateOfAWorldWithoutRequestsHasAnEmptyArray(t *testing.T) {
	if body := ask(newPage(newWorld()), "GET", "/state").Body.String(); !strings.Contains(body, `"journeys":[]`) {
		t.Error(body)
	}
}

func TestStateKeepsTheNewestFifty(t *testing.T) {
	w := newWorld()
	for range 60 {
		w.add("/old")
	}
	for range 50 {
		w.add("/new")
	}
	body := ask(newPage(w), "GET", "/state").Body.String()
	if n := strings.Count(body, `"/new"`); n != 50 || strings.Contains(body, `"/old"`) {
		t.Errorf("%d new ones, old ones: %t", n, strings.Contains(body, `"/old"`))
	}
}

func TestAHostilePathIsEscaped(t *testing.T) {
	w := newWorld()
	const path = "/<script>alert(1)</script>\n\ndata: x\xff\u2028"
	w.add(path)
	body := strings.TrimSpace(ask(newPage(w), "GET", "/state").Body.String())
	if strings.ContainsAny(body, "<>\n\u2028") || !utf8.ValidString(body) {
		t.Errorf("not escaped: %s", body)
	}
	var got struct{ Journeys []struct{ Path string } }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Journeys[0].Path != strings.ToValidUTF8(path, "\ufffd") {
		t.Errorf("%q, %v", got.Journeys[0].Path, err)
	}
}

func TestSwitches(t *testing.T) {
	cases := []struct {
		path, call string
		status     int
		line       string
	}{
		{"/regions/gru/hold", "hold gru true", 204, ""},
		{"/regions/gru/release", "hold gru false", 204, ""},
		{"/regions/gru/stop", "run gru false", 204, ""},
		{"/regions/gru/start", "run gru true", 204, ""},
		{"/regions/ord/stop", "run ord false", 204, ""},
		{"/regions/gru/machines/b0b/stop", "run gru/b0b false", 204, ""},
		{"/regions/gru/machines/b0b/start", "run gru/b0b true", 204, ""},
		{"/regions/gru/promote", "promote gru", 204, ""},
		{"/regions/gru/cut", "cut gru true", 204, ""},
		{"/regions/gru/reconnect", "cut gru false", 204, ""},
		{"/regions/ord/hold", "", 409, "ord has the primary; nothing is replicated to it\n"},
		{"/regions/syd/hold", "", 404, "there is no region \"syd\" here\n"},
		{"/regions/%3Cb%3E%0A/start", "", 404, "there is no region \"<b>\\n\" here\n"},
		{"/regions/gru/explode", "", 404, "404 page not found\n"},
	}
	for _, c := range cases {
		t.Run(c.path, func(t *testing.T) {
			w := newWorld()
			got := ask(newPage(w), "POST", c.path)
			if got.Code != c.status || got.Body.String() != c.line {
				t.Errorf("%d %q, want %d %q", got.Code, got.Body, c.status, c.line)
			}
			if c.call != "" && !slices.Equal(w.calls, []string{c.call}) || c.call == "" && w.calls != nil {
				t.Errorf("the world was asked %q, want %q", w.calls, c.call)
			}
		})
	}
}

func TestAMachineThatCannotStartIsToldInOneLine(t *testing.T) {
	w := newWorld()
	w.fails = errors.Join(errors.New("no disk"), errors.New("no port"))
	if got := ask(newPage(w), "POST", "/regions/gru/start"); got.Code != 409 || got.Body.String() != "no disk; no port\n" {
		t.Errorf("%d %q", got.Code, got.Body)
	}
}

func TestASwitchIsNoGet(t *testing.T) {
	w := newWorld()
	if got := ask(newPage(w), "GET", "/regions/gru/stop"); got.Code != http.StatusMethodNotAllowed || w.calls != nil {
		t.Errorf("%d, %q", got.Code, w.calls)
	}
}

// TestChoicesAreWhatWouldChangeSomething, and in the order of the regions: what is
// chosen by one number today is so tomorrow.
func TestChoicesAreWhatWouldChangeSomething(t *testing.T) {
	w := newWorld()
	w.gru.Machines = []dev.MachineStatus{{ID: "b0b", Running: true}, {ID: "c0c"}}
	w.moves = true
	for key, want := range map[byte]string{
		's': "[stop gru start gru stop gru/1 start gru/2]", 'c': "[cut ord cut gru]", 'r': "[release gru]", 'p': "[promote gru]", 'x': "[]",
	} {
		if got := fmt.Sprint(dashboard.Choices(w, key)); got != want {
			t.Errorf("%c: %s, want %s", key, got, want)
		}
	}
	w.gru.NoDatabase, w.gru.Held, w.gru.Cut = true, false, true
	if got := fmt.Sprint(dashboard.Choices(w, 'r'), dashboard.Choices(w, 'c')); got != "[] [cut ord reconnect gru]" {
		t.Error(got)
	}
}

func TestAMachineIsNamedByItsNumberToo(t *testing.T) {
	w := newWorld()
	w.gru.Machines = []dev.MachineStatus{{ID: "b0b"}, {ID: "1"}, {ID: "c0c"}}
	for path, want := range map[string]string{"1": "run gru/1 true", "3": "run gru/c0c true", "4": "run gru/4 true", "b0b": "run gru/b0b true"} {
		w.calls = nil
		if got := ask(newPage(w), "POST", "/regions/gru/machines/"+path+"/start"); got.Code != 204 || !slices.Equal(w.calls, []string{want}) {
			t.Errorf("%s: %d, %q; want %q", path, got.Code, w.calls, want)
		}
	}
}

func TestJourneysAsLines(t *testing.T) {
	w := newWorld()
	for range 60 {
		w.add("/new\x1b[2J")
	}
	got := ask(newPage(w), "GET", "/journeys").Body.String()
	if strings.Count(got, "\n") != 50 || strings.Count(got, `GET "/new\x1b[2J"`) != 50 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
