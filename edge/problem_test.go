package edge_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/journey"
	"homing/metrics"
)

// failing is a way to an error: the machines and the request that lead there.
type failing struct {
	status   int
	machines func(t *testing.T) []fleet.Machine
	change   func(*edge.Config)
	before   func(w *world) // the request
	header   []string       // of it
	host     string
	body     string
}

// secretState is in each replay on the way, and must not be seen.
const secretState = "Zx9secret"

// home is replayed to by a machine in ams.
func home(instruction string, m ...fleet.Machine) func(t *testing.T) []fleet.Machine {
	return func(t *testing.T) []fleet.Machine {
		near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			replays(instruction+";state="+secretState)(w, r)
		})
		return append([]fleet.Machine{near}, m...)
	}
}

// ends is a machine in ord that ends each connection when it has read a head.
func ends(t *testing.T, end func(*net.TCPConn)) fleet.Machine {
	return raw(t, "home", "ord", func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br); end(c) })
}

// full is a machine in ord that is busy with what hold sends it, until the test ends.
func full(t *testing.T) (m fleet.Machine, hold func(*world)) {
	busy, done := make(chan struct{}), make(chan struct{})
	m = serving(t, "home", "ord", func(http.ResponseWriter, *http.Request) { close(busy); <-done })
	m.Limits.Hard = 1
	t.Cleanup(func() { close(done) }) // before the machine is stopped
	return m, func(w *world) {
		fmt.Fprintf(w.dial(), "GET / HTTP/1.1\r\nHost: app.test\r\nFly-Force-Region: ord\r\n\r\n")
		<-busy
	}
}

// failures has a way to each code.
func failures(t *testing.T) map[string]failing {
	busy, hold := full(t)
	bank := serving(t, "b1", "ord", hello)
	bank.App = "bank"
	far := fleet.Machine{ID: "home", App: "web", Region: "ord", Addr: "far.test:80", Healthy: true}
	return map[string]failing{
		"BAD":  {status: 400, machines: home("region=ord"), header: []string{"Fly-Force-Region", "!"}},
		"HOST": {status: 404, change: func(c *edge.Config) { c.App = "" }, host: "nobody.test"},
		"PA01": {status: 413, machines: home("region=ord", serving(t, "home", "ord", hello)), change: func(c *edge.Config) { c.BodyLimit = 1 << 10 }, body: long[:1<<20]},
		"PA02": {status: 508, machines: home("region=ams")},
		"PA03": {status: 502, machines: home("region=o")},
		"PA04": {status: 502, machines: home("app=shop")},
		"PA05": {status: 502, machines: home("app=bank", bank), change: func(c *edge.Config) {
			if err := c.Fleet.SetApps(fleet.App{Name: "web"}, fleet.App{Name: "bank", Organisation: "them"}); err != nil {
				t.Fatal(err)
			}
		}},
		"PC01": {status: 502, machines: func(t *testing.T) []fleet.Machine { return []fleet.Machine{refusing(t, "near", "ams")} }},
		"PC03": {status: 502, machines: home("region=ord", ends(t, reset))},
		"PC05": {status: 504, machines: home("region=ord;timeout=30ms", far), change: neverReached(far.Addr)},
		"PL02": {status: 503, machines: home("region=ord", busy), change: func(c *edge.Config) { c.Queue.Patience = 10 * time.Millisecond }, before: hold},
		"PR01": {status: 503},
		"PR03": {status: 503, machines: home("region=gru")},
		"PU02": {status: 502, machines: home("region=ord", ends(t, func(*net.TCPConn) {}))},
	}
}

func TestEachErrorIsToldInTheSameWayEverywhere(t *testing.T) {
	ways := failures(t)
	if all := slices.Sorted(maps.Keys(ways)); !slices.Equal(all, edge.Codes()) {
		t.Errorf("there are ways to %v, and the codes are %v", all, edge.Codes())
	}
	for code, way := range ways {
		t.Run(code, func(t *testing.T) {
			counted := metrics.New(metrics.Config{Codes: edge.Codes()})
			var log strings.Builder
			w := way.world(t, func(c *edge.Config) {
				record := c.Record
				c.Record = func(r *journey.Record) { counted.Record(r); record(r) }
				c.Logger = textLog(&log)
			})
			wantCounted(t, counted, code, 0)
			text := way.ask(w, "*/*")
			wantProblem(t, text, way.status, code, strconv.Itoa(way.status))
			r := w.record()
			wantTold(t, text, text.body, r, log.String(), code)
			asJSON := way.ask(w, "text/html, application/json")
			detail := wantJSON(t, asJSON, way.status, code)
			s := w.record()
			wantTold(t, asJSON, detail, s, log.String(), code)
			all := wantCounted(t, counted, code, 2)
			if strings.Contains(fmt.Sprintf("%+v %+v %+v %+v %s %s", text, asJSON, r, s, log.String(), all), secretState) {
				t.Errorf("the state was seen: %+v %+v %s", text, r, log.String())
			}
		})
	}
}

// world starts an edge in which the request fails.
func (f failing) world(t *testing.T, change func(*edge.Config)) *world {
	var machines []fleet.Machine
	if f.machines != nil {
		machines = f.machines(t)
	}
	w := newWorld(t, func(c *edge.Config) {
		change(c)
		if f.change != nil {
			f.change(c)
		}
	}, machines...)
	if f.before != nil {
		f.before(w)
	}
	return w
}

func (f failing) ask(w *world, accept string) answer {
	w.t.Helper()
	r := w.request("POST", "/path", strings.NewReader(f.body), append(f.header, "Accept", accept)...)
	r.Host = cmp.Or(f.host, "app.test")
	return w.send(r)
}

// wantTold compares an answer, and what it says in words, with the request's record and
// its line in the log.
func wantTold(t *testing.T, a answer, words string, r *journey.Record, log, code string) {
	t.Helper()
	id := a.header.Get("Fly-Request-Id")
	if r.Code != code || r.Status != a.status || r.Problem == "" || r.ID != id || !strings.Contains(words, r.Problem) {
		t.Errorf("the record says %+v, and the client was told %q", r, a.body)
	}
	line := slices.IndexFunc(strings.Split(log, "\n"), func(line string) bool {
		return strings.Contains(line, "id="+id+" ") && strings.Contains(line, " code="+code+" ") && strings.Contains(line, "level=WARN")
	})
	if line < 0 {
		t.Errorf("no line says %s of %s in\n%s", code, id, log)
	}
	if (a.status == http.StatusServiceUnavailable) != (a.header.Get("Retry-After") == "1") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the head is %v", a.header)
	}
}

// wantJSON checks a problem+json and returns its detail.
func wantJSON(t *testing.T, a answer, status int, code string) string {
	t.Helper()
	var p struct {
		Title, Detail, Code string
		Status              int
		RequestID           string `json:"request_id"`
	}
	err := json.Unmarshal([]byte(a.body), &p)
	if err != nil || a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Homing-Error") != code || a.status != status ||
		p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" || p.RequestID == "" || p.RequestID != a.header.Get("Fly-Request-Id") {
		t.Errorf("%v, %d, %v\n%s", err, a.status, a.header, a.body)
	}
	return p.Detail
}

// wantCounted checks that a code was counted n times, and no other was. It returns all
// metrics.
func wantCounted(t *testing.T, m *metrics.Metrics, code string, n int) string {
	t.Helper()
	out := httptest.NewRecorder()
	m.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	text := out.Body.String()
	for _, c := range edge.Codes() {
		want := 0
		if c == code {
			want = n
		}
		if line := fmt.Sprintf("\nhoming_errors_total{code=%q} %d\n", c, want); !strings.Contains(text, line) {
			t.Errorf("there is no line %q", line[1:])
		}
	}
	return text
}

// neverReached makes connecting to an address take for ever.
func neverReached(never string) func(*edge.Config) {
	return func(c *edge.Config) {
		c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == never {
				return dialNever(ctx, network, addr)
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	}
}
