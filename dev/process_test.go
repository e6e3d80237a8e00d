package dev_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"homing/dev"
	"homing/health"
	"homing/region"
	"homing/supervise"
)

// nodeApp is an app as it is written for Fly: it knows regions by its environment
// alone.
const nodeApp = `
const http = require('http');
const { FLY_REGION, PRIMARY_REGION, FLY_MACHINE_ID, PORT } = process.env;
let well = true;
const server = http.createServer((req, res) => {
  if (req.url === '/up') { res.statusCode = well ? 200 : 503; return res.end(); }
  if (req.url === '/ill') { well = false; return res.end(); }
  if (req.url === '/crash') { console.error('so long'); process.exit(3); }
  if (req.url === '/events') {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    return res.write('data: ' + FLY_REGION + '\n\n');
  }
  if (req.method === 'POST' && FLY_REGION !== PRIMARY_REGION) {
    res.writeHead(409, { 'fly-replay': 'region=' + PRIMARY_REGION });
    return res.end();
  }
  const answer = () => res.end(JSON.stringify({
    region: FLY_REGION, machine: FLY_MACHINE_ID, pid: process.pid, method: req.method, source: req.headers['fly-replay-src'] }));
  req.url === '/slow' ? setTimeout(answer, 20) : answer();
});
server.on('upgrade', (req, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.write(FLY_REGION + '\n');
  socket.on('data', (d) => socket.write(d));
  socket.on('error', () => {});
});
server.listen(PORT, '127.0.0.1');
`

// answer is what nodeApp says.
type answer struct {
	Region  region.Code
	Machine string
	PID     int
	Method  string
	Source  string
}

// node returns how a machine runs a script with Node.
func node(t *testing.T, script string) func(dev.Machine) (supervise.Config, error) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("Node is not installed; make setup installs it")
	}
	file := filepath.Join(t.TempDir(), "app.js")
	turn(t, os.WriteFile(file, []byte(script), 0o600))
	return func(m dev.Machine) (supervise.Config, error) {
		return supervise.Config{Args: []string{program, file}, Env: append(os.Environ(), m.Environ...)}, nil
	}
}

// startProcesses runs nodeApp in three regions without a database.
func startProcesses(t *testing.T, change func(*dev.Config)) *dev.World {
	t.Helper()
	cfg := dev.Config{
		Regions: codes, Primary: "ord", Engine: dev.None, Process: node(t, nodeApp), Logger: slog.New(slog.DiscardHandler),
	}
	change(&cfg)
	w, err := dev.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { turn(t, w.Close()) })
	return w
}

func (v *visitor) ask(method, path string) answer {
	v.t.Helper()
	a, err := v.tryAsk(method, path)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

func (v *visitor) tryAsk(method, path string) (a answer, err error) {
	req, err := http.NewRequest(method, v.base+path, nil)
	if err != nil {
		return a, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	return a, err
}

func TestProcessesInSeveralRegions(t *testing.T) {
	w := startProcesses(t, func(c *dev.Config) { c.Machines = map[region.Code]int{"gru": 2} })
	t.Run("a read is answered where it arrives", func(t *testing.T) {
		for _, r := range codes {
			if got := newVisitor(t, w, r).ask("GET", "/"); got.Region != r {
				t.Errorf("a read in %s was answered in %s", r, got.Region)
			}
		}
	})
	t.Run("a write is replayed by the app itself", func(t *testing.T) {
		got := newVisitor(t, w, "gru").ask("POST", "/")
		if got.Region != "ord" || got.Method != "POST" || !strings.Contains(got.Source, "region=gru") {
			t.Errorf("%+v; want a POST in ord that came from gru", got)
		}
	})
	t.Run("two machines share load", func(t *testing.T) {
		seen := map[string]int{}
		var mu sync.Mutex
		var wait sync.WaitGroup
		v := newVisitor(t, w, "gru")
		for range 40 {
			wait.Go(func() {
				a, err := v.tryAsk("GET", "/slow")
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				seen[a.Machine]++
			})
		}
		wait.Wait()
		if len(seen) != 2 {
			t.Errorf("answers by machine: %v; want two machines", seen)
		}
	})
	t.Run("an upgrade passes", func(t *testing.T) { upgrade(t, w) })
	t.Run("events pass as they are sent", func(t *testing.T) {
		v := newVisitor(t, w, "ams")
		resp, err := v.client.Get(v.base + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "data: ams\n" {
			t.Errorf("%q, %v", line, err)
		}
	})
	t.Run("roles are those that machines were told", func(t *testing.T) {
		for _, s := range w.Statuses() {
			want := "replica"
			if s.Region == "ord" {
				want = "primary"
			}
			if s.Role.String() != want || !s.NoDatabase || !s.Running || s.Problem != "" || len(s.Machines) == 0 || !s.Machines[0].Ready {
				t.Errorf("%+v", s)
			}
		}
	})
}

func upgrade(t *testing.T, w *dev.World) {
	conn, err := w.DialEdge(t.Context(), "gru", "gru")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: gru.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", resp, err)
	}
	fmt.Fprintf(conn, "there and back\n")
	for _, want := range []string{"gru\n", "there and back\n"} {
		if got, err := in.ReadString('\n'); got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// TestAKilledMachineCostsNoGet: what may be sent again is sent to another machine.
func TestAKilledMachineCostsNoGet(t *testing.T) {
	w := startProcesses(t, func(c *dev.Config) {
		c.Regions, c.Machines = []region.Code{"ord"}, map[region.Code]int{"ord": 2}
	})
	v := newVisitor(t, w, "ord")
	victim := v.ask("GET", "/")
	var wait sync.WaitGroup
	half := make(chan struct{}, 1000)
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if _, err := v.tryAsk("GET", "/slow"); err != nil {
					t.Error(err)
				}
				half <- struct{}{}
			}
		})
	}
	for range 100 {
		<-half
	}
	turn(t, syscall.Kill(victim.PID, syscall.SIGKILL))
	wait.Wait()
	awaitStatus(t, w, "ord", func(s dev.Status) bool { return s.Problem == "" && s.Machines[0].Ready && s.Machines[1].Ready })
}

// awaitStatus waits until a region's status is as wanted.
func awaitStatus(t *testing.T, w *dev.World, r region.Code, as func(dev.Status) bool) dev.Status {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	patience := time.After(20 * time.Second)
	for {
		for _, s := range w.Statuses() {
			if s.Region == r && as(s) {
				return s
			}
		}
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("the status is %+v", w.Statuses())
		}
	}
}

func TestACrashIsShownAndMended(t *testing.T) {
	w := startProcesses(t, func(c *dev.Config) { c.Regions = []region.Code{"ord", "gru"} })
	v := newVisitor(t, w, "gru")
	before := v.ask("GET", "/")
	if _, err := v.tryAsk("POST", "/crash"); err == nil {
		t.Error("the request that killed the app was answered")
	}
	s := awaitStatus(t, w, "gru", func(s dev.Status) bool { return s.Problem != "" })
	for _, part := range []string{"exit code 3", "so long", "started again after 500ms"} {
		if !strings.Contains(s.Problem, part) {
			t.Errorf("the problem %q does not say %q", s.Problem, part)
		}
	}
	if got := v.ask("GET", "/"); got.Region != "ord" && got.PID == before.PID {
		t.Errorf("after the crash %+v answered", got)
	}
	awaitStatus(t, w, "gru", func(s dev.Status) bool { return s.Problem == "" && s.Machines[0].Ready })
	if got := v.ask("GET", "/"); got.Region != "gru" || got.PID == before.PID {
		t.Errorf("%+v answered; want the new one in gru", got)
	}
}

func TestAMachineThatFailsItsCheckGetsNoRequests(t *testing.T) {
	w := startProcesses(t, func(c *dev.Config) {
		c.Regions = []region.Code{"ord", "gru"}
		c.Checks = []health.Check{{Path: "/up", Interval: 20 * time.Millisecond}}
	})
	v := newVisitor(t, w, "gru")
	v.get("/ill")
	s := awaitStatus(t, w, "gru", func(s dev.Status) bool { return s.Problem != "" })
	if !strings.Contains(s.Problem, "/up was answered with 503") || !s.Running {
		t.Errorf("%+v", s)
	}
	if got := v.ask("GET", "/"); got.Region != "ord" {
		t.Errorf("%+v answered", got)
	}
}

func TestProcessesStopAndComeBack(t *testing.T) {
	w := startProcesses(t, func(c *dev.Config) {
		c.Regions, c.Machines = []region.Code{"ord", "gru"}, map[region.Code]int{"gru": 2}
	})
	v := newVisitor(t, w, "gru")
	first := w.Statuses()[1].Machines[0].ID
	turn(t, w.RunMachine(t.Context(), "gru", first, false))
	if s := w.Statuses()[1]; !s.Running || s.Machines[0].Running || !s.Machines[1].Running || !strings.Contains(s.Problem, "stopped") {
		t.Errorf("%+v; want the first machine stopped", s)
	}
	if got := v.ask("GET", "/"); got.Region != "gru" || got.Machine == string(first) {
		t.Errorf("%+v answered; want the other machine", got)
	}
	turn(t, w.Run(t.Context(), "gru", false))
	if got := v.ask("GET", "/"); got.Region != "ord" {
		t.Errorf("%+v answered while gru is stopped", got)
	}
	turn(t, w.Run(t.Context(), "gru", true))
	if got := v.ask("GET", "/"); got.Region != "gru" {
		t.Errorf("%+v answered after gru came back", got)
	}
	if err := w.RunMachine(t.Context(), "gru", "nobody", true); err == nil {
		t.Error("a machine that is not there was started")
	}
	if err := w.Hold("gru", true); err == nil {
		t.Error("replication was held back where there is none")
	}
}

func TestAMachineThatRunsAlready(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"region":"outside"}`) }))
	t.Cleanup(app.Close)
	w := startProcesses(t, func(c *dev.Config) {
		c.Process, c.Regions = nil, []region.Code{"ord", "gru"}
		c.Outside = []dev.Outside{{Region: "gru", ID: "mine", Addr: strings.TrimPrefix(app.URL, "http://")}}
	})
	if got := newVisitor(t, w, "ord").ask("GET", "/"); got.Region != "outside" {
		t.Errorf("%+v answered", got)
	}
	app.Close()
	awaitStatus(t, w, "gru", func(s dev.Status) bool { return strings.Contains(s.Problem, "nothing accepts connections") })
}

func TestProcessesThatCannotStartSayWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		script   string
		change   func(*supervise.Config)
		patience time.Duration // as short only where it has to pass
		want     string
	}{
		"one that ends":               {"console.error('no such table'); process.exit(1)", nil, time.Minute, "no such table"},
		"one that never listens":      {"setInterval(() => {}, 1000)", nil, 3 * time.Second, "nothing listens on port"},
		"one that listens elsewhere":  {"require('http').createServer().listen(0)", nil, 6 * time.Second, "with {port} in its command"},
		"a program that is not there": {"", func(c *supervise.Config) { c.Args = []string{"no-such-program"} }, time.Minute, `"no-such-program": not found`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := node(t, tc.script)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w, err := dev.Start(ctx, dev.Config{
				Regions: []region.Code{"ord", "gru"}, Primary: "ord", Engine: dev.None, Patience: tc.patience,
				Logger: slog.New(slog.DiscardHandler),
				Process: func(m dev.Machine) (supervise.Config, error) {
					c, err := run(m)
					if tc.change != nil {
						tc.change(&c)
					}
					return c, err
				},
			})
			if err == nil {
				w.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "supervise: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q; want it to say %q in one line", err, tc.want)
			}
		})
	}
}
