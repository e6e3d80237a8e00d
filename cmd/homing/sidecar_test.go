package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/machine"
	"homing/postgres/pgtest"
	"homing/region"
)

// beside is a sidecar as a process of its own.
type beside struct {
	cmd  *exec.Cmd
	addr string
	mark string // in the environment of all that it starts

	said syncBuffer
}

func (b *beside) output() string { return b.said.String() }

// startBeside starts a sidecar, which ends with the test at the latest.
func startBeside(t *testing.T, bin string, vars []string, args ...string) *beside {
	t.Helper()
	b := &beside{addr: freeAddr(), mark: "HOMING_TEST_MARK=" + t.Name() + freeAddr()}
	b.cmd = exec.Command(bin, append([]string{"sidecar"}, args...)...)
	_, port, _ := net.SplitHostPort(b.addr)
	b.cmd.Env = append(os.Environ(), b.mark, "DATABASE_URL=", "PGHOST=", "FLY_REGION=", "PRIMARY_REGION=", "PORT="+port)
	b.cmd.Env = append(b.cmd.Env, vars...)
	b.cmd.Stdout, b.cmd.Stderr = &b.said, &b.said
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not to outlive this test
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.cmd.Process.Signal(syscall.SIGTERM)
		b.cmd.Wait()
	})
	return b
}

// ends returns the exit code, and fails the test if a process is left.
func (b *beside) ends(t *testing.T) int {
	t.Helper()
	err := b.cmd.Wait()
	if left := marked(b.mark); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return b.cmd.ProcessState.ExitCode()
}

// marked returns the processes that have a variable in their environment.
func marked(mark string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, _ := os.ReadFile(file)
		if bytes.Contains(env, []byte(mark)) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// listens waits until requests are taken.
func (b *beside) listens(t *testing.T) *beside {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(b.output(), "standing in front") }, b.output)
	return b
}

func eventually(t *testing.T, ok func() bool, said func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s:\n%s", said())
		}
	}
}

func TestSidecarAsAProcess(t *testing.T) {
	bin := build(t)
	t.Run("what cannot begin says so in a line", func(t *testing.T) { testSidecarCannotBegin(t, bin) })
	t.Run("signals and exit codes", func(t *testing.T) { testSidecarSignals(t, bin) })
	t.Run("killed, it takes the app with it", func(t *testing.T) { testSidecarKilled(t, bin) })
	t.Run("as PID 1", func(t *testing.T) { testSidecarAsInit(t, bin) })
	t.Run("an app that runs already", func(t *testing.T) { testSidecarTarget(t, bin) })
	t.Run("on PostgreSQL", func(t *testing.T) { testSidecarOnPostgres(t, bin) })
	t.Run("while the primary moves", func(t *testing.T) { testSidecarPromotion(t, bin) })
	t.Run("in homing dev", func(t *testing.T) { testSidecarsInDev(t, bin) })
	t.Run("around a worker", func(t *testing.T) { testSidecarWorker(t, bin) })
}

func testSidecarCannotBegin(t *testing.T, bin string) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, taken, _ := net.SplitHostPort(busy.Addr().String())
	for _, tt := range []struct {
		name string
		vars []string
		args []string
		code int
		want string
	}{
		{"nothing to stand in front of", nil, nil, 1, "--target"},
		{"two things to stand in front of", nil, []string{"--target", "http://127.0.0.1:1", "--", "sleep", "9"}, 1, "--target"},
		{"a target that is none", nil, []string{"--target", "https://app.test"}, 1, "http://"},
		{"itself", []string{"PORT=" + taken}, []string{"--target", "http://127.0.0.1:" + taken}, 1, "own port"},
		{"a command that does not exist", nil, []string{"--", "no-such-command"}, 127, "no-such-command"},
		{"an app that ends at once", nil, []string{"--", "sh", "-c", "exit 7"}, 7, "exit code 7"},
		{"an app that ends well at once", nil, []string{"--", "true"}, 0, "exit code 0"},
		{"a port in use", []string{"PORT=" + taken, "HOMING_EDGE=1"}, []string{"--", "sleep", "9"}, 1, taken},
		{"a region without a primary", []string{"FLY_REGION=gru"}, []string{"--", "sleep", "9"}, 1, "PRIMARY_REGION"},
		{"a setting that is none", []string{"HOMING_MODE=maybe"}, []string{"--", "sleep", "9"}, 1, "HOMING_MODE"},
		{"a route that is none", []string{"FLY_REGION=gru", "PRIMARY_REGION=ord"}, []string{"--write-route", "GET", "--", "sleep", "9"}, 1, "--write-route"},
		{"a database that is none", []string{"DATABASE_URL=postgres://u:hunter2@host:x/d"}, []string{"--", "sleep", "9"}, 1, "DATABASE_URL"},
		{"a variable of no database", nil, []string{"--env", "DB_HOST={host}", "--", "sleep", "9"}, 1, "DB_HOST"},
		{"a variable without a value", nil, []string{"--env", "DB_HOST", "--", "sleep", "9"}, 1, "DB_HOST"},
		{"a flag that is none", nil, []string{"--wirte-route", "GET /x", "--", "sleep", "9"}, 1, "unknown flag: --wirte-route"},
		{"a relay nowhere", nil, []string{"--relay", "6432", "--", "sleep", "9"}, 1, "--relay"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := startBeside(t, bin, tt.vars, tt.args...)
			code, said := b.ends(t), b.output()
			lines := 0
			for line := range strings.Lines(said) {
				if strings.HasPrefix(line, "homing sidecar: ") && strings.Count(line, "sidecar: ") == 1 {
					lines++
				}
			}
			if code != tt.code || lines != 1 || !strings.Contains(said, tt.want) || strings.Contains(said, "hunter2") {
				t.Errorf("code %d, want %d; said %q", code, tt.code, said)
			}
		})
	}
}

func testSidecarSignals(t *testing.T, bin string) {
	app := []string{"--", "node", "../../sidecar/testdata/app.js"}
	b := startBeside(t, bin, nil, app...).listens(t)
	b.cmd.Process.Signal(syscall.SIGUSR2)
	eventually(t, func() bool { return strings.Contains(b.output(), "heard SIGUSR2") }, b.output)
	slow := make(chan string, 1)
	go func() { slow <- get("http://" + b.addr + "/slow") }()
	eventually(t, func() bool { return strings.Contains(b.output(), "slow has begun") }, b.output)
	b.cmd.Process.Signal(syscall.SIGTERM)
	if got := <-slow; got != "200 slow, but whole" {
		t.Errorf("a request under way got %q", got)
	}
	if code := b.ends(t); code != 128+int(syscall.SIGTERM) {
		t.Errorf("stopped: code %d", code)
	}
	b = startBeside(t, bin, nil, "--worker", "--", "sh", "-c", "grep SigIgn /proc/self/status")
	if code := b.ends(t); code != 0 || !strings.Contains(b.output(), "SigIgn:\t") || ignores(b.output(), syscall.SIGPIPE) {
		t.Errorf("the app ignores SIGPIPE: code %d, %s", code, b.output())
	}
	b = startBeside(t, bin, nil, app...).listens(t)
	get("http://" + b.addr + "/crash")
	if code := b.ends(t); code != 3 || !strings.Contains(b.output(), "exit code 3") {
		t.Errorf("crashed: code %d, said %s", code, b.output())
	}
	b = startBeside(t, bin, nil, app...).listens(t)
	b.cmd.Process.Signal(syscall.SIGHUP) // which ends an app that does not know it
	if code := b.ends(t); code != 128+int(syscall.SIGHUP) {
		t.Errorf("hung up: code %d", code)
	}
}

// ignores reads the mask of a line such as "SigIgn: 0000000000001000" (proc(5)).
func ignores(status string, sig syscall.Signal) bool {
	_, mask, _ := strings.Cut(status, "SigIgn:")
	mask, _, _ = strings.Cut(mask, "\n")
	bits, _ := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	return bits&(1<<(sig-1)) != 0
}

func testSidecarKilled(t *testing.T, bin string) {
	b := startBeside(t, bin, nil, "--", "sh", "-c", "sleep 1000 & exec node ../../sidecar/testdata/app.js").listens(t)
	b.cmd.Process.Kill()
	b.cmd.Wait()
	eventually(t, func() bool { return len(marked(b.mark)) == 0 }, func() string { return fmt.Sprint(marked(b.mark)) })
}

func testSidecarTarget(t *testing.T, bin string) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.Host) }))
	defer app.Close()
	b := startBeside(t, bin, nil, "--target", app.URL).listens(t)
	if got := get("http://" + b.addr); got != "200 hello "+b.addr {
		t.Errorf("got %q", got)
	}
	b.cmd.Process.Signal(syscall.SIGTERM)
	if code := b.ends(t); code != 0 {
		t.Errorf("code %d", code)
	}
}

// get returns an answer's status and text.
func get(url string) string {
	res, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", string(text))
}

// notes is an app in gru and ord, on a database with a table of notes, and behind an edge
// in each.
type notes struct {
	t       *testing.T
	cluster *pgtest.Cluster
	gru     *beside
	admin   string // gru's
	fleet   *fleet.Fleet
	fronts  map[region.Code]*httptest.Server
}

// startNotes starts a file of testdata; vars lead it to its database in a region.
func startNotes(t *testing.T, bin, app string, vars func(*pgtest.Cluster) []string) *notes {
	n := &notes{
		t: t, cluster: pgtest.Start(t, pgtest.Config{Replicas: 1}), admin: freeAddr(), fronts: map[region.Code]*httptest.Server{},
	}
	if err := n.cluster.Primary().Exec(t.Context(), "create table notes (text text)", "grant all on notes to public"); err != nil {
		t.Fatal(err)
	}
	if err := n.cluster.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := func(r region.Code, flags ...string) *beside {
		env := append(vars(n.cluster), "FLY_REGION="+string(r), "PRIMARY_REGION=ord", "HOMING_EDGE=1", "HOMING_SECRET=0123456789abcdef", "PSQL="+psql())
		return startBeside(t, bin, env, append(flags, "--", "python3", "testdata/"+app)...)
	}
	n.gru = in("gru", "--admin", n.admin, "--env", "DB_PORT={port}")
	ord := in("ord").listens(t)
	n.gru.listens(t)
	distance := func(a, b region.Code) time.Duration { return 100 * time.Millisecond }
	of := func(id machine.ID, at region.Code, addr string) fleet.Machine {
		return fleet.Machine{ID: id, App: "web", Region: at, Addr: addr, Healthy: true}
	}
	n.fleet = fleet.New(distance, of("g", "gru", n.gru.addr), of("o", "ord", ord.addr))
	for _, r := range []region.Code{"gru", "ord"} {
		e, err := edge.New(edge.Config{Region: r, App: "web", Fleet: n.fleet, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		n.fronts[r] = httptest.NewServer(e)
		t.Cleanup(n.fronts[r].Close)
	}
	// Until it has looked at its databases, a machine serves nothing here.
	eventually(t, func() bool { return n.ask("GET", "/").where == "gru" && n.ask("POST", "/").where == "ord" }, n.gru.output)
	return n
}

// psql is PostgreSQL's own client.
func psql() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	return append([]string{"psql"}, found...)[len(found)]
}

func withParameter(url, param string) string {
	if strings.Contains(url, "?") {
		return url + "&" + param
	}
	return url + "?" + param
}

// noted is what a client got.
type noted struct {
	status      int
	text, where string
	cookie      string // that carries its token; empty: none
	token       string
}

// ask asks as somebody in gru.
func (n *notes) ask(method, path string, cookies ...string) noted {
	n.t.Helper()
	return n.askIn("gru", method, path, cookies...)
}

func (n *notes) askIn(here region.Code, method, path string, cookies ...string) noted {
	n.t.Helper()
	front := n.fronts[here]
	r, _ := http.NewRequestWithContext(n.t.Context(), method, front.URL+path, nil)
	r.Header["Cookie"] = cookies
	res, err := front.Client().Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	got := noted{status: res.StatusCode, text: string(text), where: res.Header.Get("X-Served-In"), token: res.Header.Get("Homing-Position")}
	for _, c := range res.Cookies() {
		got.cookie = c.Name + "=" + c.Value
	}
	return got
}

func (n *notes) count() string {
	n.t.Helper()
	got := n.ask("GET", "/")
	if got.where != "gru" || got.status != 200 || got.token != "" {
		n.t.Errorf("a read: %+v", got)
	}
	return got.text
}

func (n *notes) do(f func(context.Context) error) {
	n.t.Helper()
	if err := f(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

func testSidecarOnPostgres(t *testing.T, bin string) {
	n := startNotes(t, bin, "notes.py", func(c *pgtest.Cluster) []string {
		return []string{"DATABASE_URL=" + withParameter(c.Primary().URL(), "pool=5"), "DATABASE_REPLICA_URL=" + c.Replicas()[0].URL()}
	})
	replica := n.cluster.Replicas()[0]
	n.do(n.cluster.WaitCaughtUp)
	before := n.count()

	if got := n.ask("GET", "/nothing"); got.status != 500 || got.where != "gru" {
		t.Errorf("an error of the app's own: %+v", got)
	}
	n.do(replica.HoldReplay)
	visit := n.ask("GET", "/visit")
	if visit.status != 200 || visit.text != "visited" || visit.where != "ord" || visit.token == "" {
		t.Errorf("a write that was refused here: %+v", visit)
	}
	if said := n.gru.output(); !strings.Contains(said, `route="GET /visit" by=--write-route`) {
		t.Errorf("who runs it is told:\n%s", said)
	}
	if got := n.ask("GET", "/", visit.cookie); got.where != "ord" || got.text == before {
		t.Errorf("its client reads %+v, before it were %s", got, before)
	}
	if n.count() != before {
		t.Errorf("others read at %s; before were %s", n.count(), before)
	}
	wait := "http://" + n.admin + "/.well-known/homing/wait?position=" + url.QueryEscape(visit.token)
	if got := get(wait + "&timeout=50ms"); !strings.HasPrefix(got, "503 ") {
		t.Errorf("a worker is told %q while replication is held", got)
	}
	n.do(replica.ResumeReplay)
	if got := get(wait); got != "204 " {
		t.Errorf("a worker is told %q afterwards", got)
	}
	if got := n.ask("GET", "/", visit.cookie); got.where != "gru" || got.text == before {
		t.Errorf("its client reads %+v", got)
	}
	if got := n.ask("GET", "/missing", visit.cookie); got.status != 404 || got.where != "ord" {
		t.Errorf("what somebody misses who has just written: %+v", got)
	}
	if got := n.ask("GET", "/missing"); got.status != 404 || got.where != "gru" {
		t.Errorf("what others miss: %+v", got)
	}
	for range 10 {
		wrote := n.ask("POST", "/")
		if got := n.ask("GET", "/", wrote.cookie); wrote.where != "ord" || got.status != 200 || got.text == before {
			t.Errorf("after a write in %s its client reads %+v, before it were %s", wrote.where, got, before)
		} else {
			before = got.text
		}
	}
}
