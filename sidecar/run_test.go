package sidecar_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"homing"
	"homing/edge"
	"homing/edge/misbehave"
	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/sidecar"
	"homing/supervise"
)

// commands start the same app in two languages.
var commands = map[string][]string{"Node": {"node", "testdata/app.js"}, "Python": {"python3", "testdata/app.py"}}

// running is a sidecar and its app.
type running struct {
	addr  string
	lines chan string // that the app says
	stop  context.CancelFunc
	ended chan ending
}

type ending struct {
	exit supervise.Exit
	err  error
}

// start runs a sidecar around a command in a region, until the test ends.
func start(t testing.TB, args []string, here string, change ...func(*sidecar.Config)) *running {
	t.Helper()
	ready := make(chan string, 1)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{lines: make(chan string, 1000), stop: stop, ended: make(chan ending, 1)}
	port := freePort(t)
	cfg := sidecar.Config{
		Site: newSite(t, here, nil), Addr: "127.0.0.1:0", Ready: func(addr string) { ready <- addr },
		App: sidecar.AppConfig{Addr: "127.0.0.1:" + strconv.Itoa(int(port))}, Logger: slog.New(slog.DiscardHandler),
		Command: &supervise.Config{
			Args: args, Port: port, Env: append(os.Environ(), "FLY_REGION="+here, "PRIMARY_REGION=ord"),
			Output: func(l supervise.Line) { r.lines <- l.Text },
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		exit, err := sidecar.Run(ctx, cfg)
		r.ended <- ending{exit, err}
	}()
	t.Cleanup(func() { stop(); <-done })
	select {
	case r.addr = <-ready:
	case e := <-r.ended:
		r.ended <- e
	}
	return r
}

func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// says waits until the app has said a line.
func (r *running) says(t testing.TB, line string) {
	t.Helper()
	for {
		select {
		case l := <-r.lines:
			if l == line {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the app never said %q", line)
		}
	}
}

// end is how it ended, without being asked here.
func (r *running) end(t testing.TB) ending {
	t.Helper()
	select {
	case e := <-r.ended:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
		return ending{}
	}
}

// edgeInGRU is an edge of ours in gru, with machines in gru and ord.
func edgeInGRU(t *testing.T, gru, ord string) *httptest.Server {
	distance := func(a, b region.Code) time.Duration { return 100 * time.Millisecond }
	of := func(id machine.ID, at region.Code, addr string) fleet.Machine {
		return fleet.Machine{ID: id, App: "web", Region: at, Addr: addr, Healthy: true}
	}
	e, err := edge.New(edge.Config{
		Region: "gru", App: "web", Fleet: fleet.New(distance, of("g", "gru", gru), of("o", "ord", ord)), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return serving(t, e)
}

func TestAppsInOtherLanguagesRunInRegions(t *testing.T) {
	for language, args := range commands {
		t.Run(language, func(t *testing.T) {
			gru, ord := start(t, args, "gru"), start(t, args, "ord")
			front := edgeInGRU(t, gru.addr, ord.addr)
			for _, tt := range []struct{ name, method, path, want string }{
				{"read local", "GET", "/", "GET in gru"},
				{"write replayed", "POST", "/", "POST in ord"},
				{"refused write replayed", "GET", "/refused", "written in ord"},
			} {
				a := ask(t, front, tt.method, tt.path, strings.NewReader(strings.Repeat("x", len(tt.method)/4*1000)))
				if a.StatusCode != 200 || a.text != tt.want || a.Header["Homing-Did"] != nil {
					t.Errorf("%s: got %d %q %v", tt.name, a.StatusCode, a.text, a.Header)
				}
				if wrote := tt.want != "GET in gru"; wrote != (a.Header.Get("Homing-Position") != "") {
					t.Errorf("%s: token %q", tt.name, a.Header.Get("Homing-Position"))
				}
			}
			wrote := ask(t, front, "POST", "/", nil)
			a := ask(t, front, "GET", "/", nil, "Cookie", wrote.Cookies()[0].String())
			if a.text != "GET in ord" { // without a database a write's client reads at home for a while
				t.Errorf("own write seen: %q", a.text)
			}
		})
	}
}

func TestStreamsAndSocketsReachAnAppInNode(t *testing.T) {
	gru, ord := start(t, commands["Node"], "gru"), start(t, commands["Node"], "ord")
	front := edgeInGRU(t, gru.addr, ord.addr)
	res, err := front.Client().Get(front.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "data: one\n" {
		t.Errorf("the first event is %q, %v", line, err)
	}
	res.Body.Close()
	const size = 12 << 20 // more than an edge keeps
	if res, err = front.Client().Post(front.URL+"/echo", "", zeros(size)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != size {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	res.Body.Close()
	for method, here := range map[string]string{"GET": "gru", "POST": "ord"} {
		c := misbehave.Dial(t, front.Listener.Addr().String())
		c.Do(misbehave.Say(method + " /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
		c.Await(here + " ")
		c.Do(misbehave.Say("hello"))
		if got := c.Heard(); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.HasSuffix(got, "HELLO") {
			t.Errorf("%s: heard %q", method, got)
		}
	}
}

func TestARequestUnderWayIsFinishedBeforeTheAppIsTold(t *testing.T) {
	for language, args := range commands {
		t.Run(language, func(t *testing.T) {
			r := start(t, args, "gru")
			got := make(chan string, 1)
			go func() {
				res, err := http.Get("http://" + r.addr + "/slow")
				if err != nil {
					got <- err.Error()
					return
				}
				text, _ := io.ReadAll(res.Body)
				res.Body.Close()
				got <- string(text)
			}()
			r.says(t, "slow has begun")
			r.stop()
			if text := <-got; text != "slow, but whole" {
				t.Errorf("got %q", text)
			}
			if e := r.end(t); e.err != nil || !e.exit.Asked || e.exit.Killed {
				t.Errorf("ended with %+v", e)
			}
			if c, err := net.Dial("tcp", r.addr); err == nil {
				c.Close()
				t.Error("somebody still listens")
			}
		})
	}
}

func TestADrainIsBounded(t *testing.T) {
	r := start(t, commands["Node"], "gru", func(c *sidecar.Config) { c.Drain = time.Millisecond })
	res, err := http.Get("http://" + r.addr + "/events") // never ends by itself
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r.stop()
	if e := r.end(t); e.err != nil || !e.exit.Asked {
		t.Errorf("ended with %+v", e)
	}
}

func TestACrashedAppEndsTheSidecarWithItsCode(t *testing.T) {
	for language, args := range commands {
		t.Run(language, func(t *testing.T) {
			r := start(t, args, "gru")
			res, err := http.Get("http://" + r.addr + "/crash")
			if err == nil { // else the sidecar ended before it had told
				res.Body.Close()
				if res.StatusCode != 502 {
					t.Errorf("its client got %d", res.StatusCode)
				}
			}
			if e := r.end(t); e.err != nil || e.exit.Code != 3 || e.exit.Asked {
				t.Errorf("ended with %+v", e)
			}
		})
	}
}

func TestWhatCannotBegin(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, tt := range []struct {
		name   string
		args   []string
		change func(*sidecar.Config)
		want   string
	}{
		{"a port that is in use", []string{"sleep", "60"}, func(c *sidecar.Config) { c.Addr = busy.Addr().String() }, "in use"},
		{"an admin port that is in use", []string{"sleep", "60"}, func(c *sidecar.Config) { c.AdminAddr = busy.Addr().String() }, "in use"},
		{"an admin port for all", []string{"sleep", "60"}, func(c *sidecar.Config) { c.AdminAddr = "0.0.0.0:0" }, "loopback"},
		{"a health path without a slash", []string{"sleep", "60"}, func(c *sidecar.Config) { c.HealthPath = "healthz" }, `"/"`},
		{"no site", []string{"sleep", "60"}, func(c *sidecar.Config) { c.Site = nil }, "Site"},
		{"nothing to do", nil, func(c *sidecar.Config) { c.Addr, c.Command = "", nil }, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leavesNothing(t)
			change := tt.change
			if change == nil {
				change = func(*sidecar.Config) {}
			}
			e := start(t, tt.args, "gru", change).end(t)
			if e.err == nil || !strings.Contains(e.err.Error(), tt.want) || strings.Contains(e.err.Error(), "\n") {
				t.Errorf("got %v", e.err)
			}
		})
	}
}

func TestWhatEndsBeforeItListens(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a command that does not exist", []string{"no-such-command"}, 127, "no-such-command"},
		{"an app that fails", []string{"sh", "-c", "echo oh no >&2; exit 4"}, 4, "oh no"},
		{"a task that is done", []string{"sh", "-c", "echo done"}, 0, "done"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leavesNothing(t)
			e := start(t, tt.args, "gru").end(t)
			if e.err != nil || e.exit.Code != tt.code || e.exit.Asked || !strings.Contains(e.exit.String(), tt.want) {
				t.Errorf("ended with %+v", e)
			}
		})
	}
}

// writerFunc is what a log is written to.
type writerFunc func(line string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// Nobody can tell an app that is slow from a worker, which never opens a port.
func TestAnAppMayOpenItsPortLate(t *testing.T) {
	asked := t.TempDir() + "/asked"
	wait := []string{"sh", "-c", `while [ ! -e "$0" ]; do sleep 0.01; done; exec node testdata/app.js`, asked}
	lines := 0
	r := start(t, wait, "gru", func(c *sidecar.Config) {
		c.StartTimeout = 10 * time.Millisecond
		c.Logger = slog.New(slog.NewTextHandler(writerFunc(func(line string) {
			if strings.Contains(line, "--worker") {
				lines++
				os.WriteFile(asked, nil, 0o600) // else the app never comes up
			}
		}), nil))
	})
	res, err := http.Get("http://" + r.addr)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || lines != 1 {
		t.Errorf("got %d, after %d lines", res.StatusCode, lines)
	}
}

func TestAWorkerTakesNoRequests(t *testing.T) {
	admin := fmt.Sprint("127.0.0.1:", freePort(t))
	site := newSite(t, "gru", newDB(machine.Replica, "5"))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan ending, 1)
	said := make(chan string, 1)
	go func() {
		exit, err := sidecar.Run(ctx, sidecar.Config{
			Site: site, AdminAddr: admin, Logger: slog.New(slog.DiscardHandler),
			Command: &supervise.Config{Args: []string{"sh", "-c", "echo works; sleep 60"}, Output: func(l supervise.Line) { said <- l.Text }},
		})
		ended <- ending{exit, err}
	}()
	<-said
	res, err := http.Get("http://" + admin + sidecar.HealthPath)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	stop()
	if e := <-ended; e.err != nil || !e.exit.Asked || res.StatusCode != 200 {
		t.Errorf("ended with %+v, health %d", e, res.StatusCode)
	}
}

func TestHealthHasAPathOfItsOwn(t *testing.T) {
	app := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the app's "+r.URL.Path) }))
	r := start(t, nil, "gru", func(c *sidecar.Config) {
		c.Site = newSite(t, "gru", newDB(machine.None, ""), func(c *homing.Config) { c.Env.Edge = false })
		c.Command, c.App.Addr, c.HealthPath = nil, app.Listener.Addr().String(), "/homing-health"
	})
	for path, want := range map[string]string{"/homing-health": "503", "/healthz": "the app's /healthz"} {
		res, err := http.Get("http://" + r.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if got := fmt.Sprint(res.StatusCode, string(text)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}
