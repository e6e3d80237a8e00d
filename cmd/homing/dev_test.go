package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pythonApp is an app in a language that knows nothing of us, written for Fly.
const pythonApp = `
import http.server, os
env = os.environ
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body, **headers):
        body = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, " ".join(env.get(n, "-") for n in self.path[1:].split(",")))
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if env["FLY_REGION"] != env["PRIMARY_REGION"]:
            return self.answer(409, "", fly_replay="region=" + env["PRIMARY_REGION"])
        self.answer(200, "written in " + env["FLY_REGION"])
    def log_message(self, form, *args):
        print(form % args, flush=True)
print("hello from", env["FLY_REGION"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(env["PORT"])), App).serve_forever()
`

const pythonToml = `
app = "hello"
primary_region = "gru"
[env]
PORT = "8080"
GREETING = "hi from {region} on {port}"
BOTH = "fly.toml"
[deploy]
release_command = "sh -c 'echo $FLY_REGION >> released'"
[processes]
web = "python3 app.py"
queue = "sh -c 'echo $FLY_PROCESS_GROUP in $FLY_REGION; exec sleep 1000'"
[http_service]
processes = ["web"]
[[http_service.checks]]
path = "/up"
[checks.greeting]
type = "http"
port = 8080
path = "/FLY_REGION"
processes = ["web"]
`

// appFolder makes a folder with these files and goes there.
func appFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// devRun is "homing dev", running.
type devRun struct {
	t     *testing.T
	out   *syncBuffer
	edges map[string]string // by region
	page  string
}

// startDev runs "homing dev" in the current folder until the test ends, and then looks
// for what it left.
func startDev(t *testing.T, args ...string) *devRun {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(context.Background())
	d := &devRun{t: t, out: new(syncBuffer), edges: map[string]string{}}
	out, ready := waitFor(d.out, "Ctrl-C ends it.")
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append([]string{"dev", "--port", "0"}, args...), out, d.out) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		leaves(t, tmp)
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("it ended: %v\n%s", err, d.out)
	case <-time.After(patience):
		t.Fatalf("it is not ready:\n%s", d.out)
	}
	for _, m := range regexp.MustCompile(`http://([a-z]+)\.localhost:(\d+)`).FindAllStringSubmatch(d.out.String(), -1) {
		d.edges[m[1]] = "http://127.0.0.1:" + m[2]
	}
	d.page = regexp.MustCompile(`(?m)^  (http://127\S+)`).FindStringSubmatch(d.out.String())[1]
	return d
}

func (d *devRun) do(method, region, path string) string {
	d.t.Helper()
	req, err := http.NewRequest(method, d.edges[region]+path, strings.NewReader(""))
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s %s in %s: %s, %v\n%s", method, path, region, resp.Status, err, d.out)
	}
	return string(b)
}

// becomes waits until a region's app answers with text.
func (d *devRun) becomes(region, text string) {
	d.t.Helper()
	end := time.Now().Add(20 * time.Second)
	for got := ""; got != text; {
		if time.Now().After(end) {
			d.t.Fatalf("%s answers %q; want %q\n%s", region, got, text, d.out)
		}
		resp, err := http.Get(d.edges[region] + "/")
		if err != nil {
			d.t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got = string(b)
	}
}

// leaves fails the test for each process and file that was left in tmp, or has it in its
// environment.
func leaves(t *testing.T, tmp string) {
	t.Helper()
	if files, _ := os.ReadDir(tmp); len(files) > 0 {
		t.Errorf("%v is left", files)
	}
	known, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range known {
		env, _ := os.ReadFile(file) // it may have ended since
		if strings.Contains("\x00"+string(env), "\x00TMPDIR="+tmp+"\x00") && filepath.Base(filepath.Dir(file)) != fmt.Sprint(os.Getpid()) {
			cmd, _ := os.ReadFile(filepath.Dir(file) + "/cmdline")
			t.Errorf("process %s is left: %q", filepath.Base(filepath.Dir(file)), cmd)
		}
	}
}

// await waits until the output holds text.
func (d *devRun) await(text string) {
	d.t.Helper()
	patience := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(d.out.String(), text) {
		select {
		case <-tick.C:
		case <-patience:
			d.t.Fatalf("the output lacks %q:\n%s", text, d.out)
		}
	}
}

func TestDevRunsAnAppFromItsFlyToml(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("Python is not installed; make setup installs it")
	}
	dir := appFolder(t, map[string]string{
		"app.py": pythonApp, "fly.toml": pythonToml, ".env": "BOTH=.env\nSECRET='a b'\nOVERRIDDEN=.env\nFLY_REGION=nowhere\n",
	})
	t.Setenv("OVERRIDDEN", "shell")
	d := startDev(t, "--distances", "none")

	vars := strings.Fields(d.do("GET", "ord", "/FLY_APP_NAME,FLY_REGION,PRIMARY_REGION,FLY_PROCESS_GROUP,BOTH,OVERRIDDEN,PORT,HOMING_EDGE,DATABASE_URL"))
	port := vars[6]
	if got, want := strings.Join(vars, " "), "hello ord gru web .env shell "+port+" 1 -"; got != want || port == "8080" {
		t.Errorf("the machine in ord was told %q; want %q", got, want)
	}
	if got, want := d.do("GET", "ord", "/GREETING,SECRET"), "hi from ord on "+port+" a b"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
	pids := map[string]bool{}
	for _, r := range []string{"gru", "ord", "ams"} { // the primary and two far ones
		pids[d.do("GET", r, "/PIDFILE")] = true
		if got := d.do("POST", r, "/"); got != "written in gru" {
			t.Errorf("a write in %s was %q", r, got)
		}
	}
	if len(pids) != 3 {
		t.Errorf("machines share pid files: %v", pids)
	}
	eventually(t, func() bool {
		return strings.Contains(get(d.page+"/regions"), `"checks":[{"name":"greeting","state":"passing","problem":"","output":"ams"}]`)
	}, func() string { return get(d.page + "/regions") })
	if released, err := os.ReadFile(filepath.Join(dir, "released")); string(released) != "gru\n" {
		t.Errorf("the release command ran in %q, %v; want once in gru", released, err)
	}
	for _, line := range []string{
		"Starting python3 app.py, from fly.toml's [processes]\n", "ord     | hello from ord\n", "queue   | queue in gru\n", `"GET /up HTTP/1.1" 200`,
	} {
		d.await(line)
	}
}

func TestDevRunsACommandWithoutAnyFile(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("Python is not installed; make setup installs it")
	}
	appFolder(t, map[string]string{"app.py": pythonApp})
	d := startDev(t, "--distances", "none", "--regions", "ams,syd", "--machines", "syd=2", "--", "env PORT={port} REGION={region}/{machine} python3 app.py # {dir}")
	seen := map[string]bool{}
	for range 20 {
		seen[d.do("GET", "syd", "/REGION")] = true
	}
	if len(seen) != 2 {
		t.Errorf("answers %v; want those of two machines", seen)
	}
	d.await("syd/2 | hello from syd")

	// Another one stands around what runs already.
	at := d.do("GET", "ams", "/PORT")
	t.Chdir(t.TempDir())
	t.Run("a machine that runs already", func(t *testing.T) {
		outside := startDev(t, "--machine", "ams/mine=http://127.0.0.1:"+at)
		if got := outside.do("GET", "ams", "/FLY_REGION"); got != "ams" {
			t.Errorf("%q", got)
		}
	})
}

func TestDevShowsACrash(t *testing.T) {
	appFolder(t, nil)
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("Node is not installed; make setup installs it")
	}
	d := startDev(t, "--regions", "ord", "--", "node", "-e",
		`require("http").createServer((q, r) => q.url == "/crash" ? (console.error("so long"), process.exit(3)) : r.end("well")).listen(process.env.PORT)`)
	if resp, err := http.Post(d.edges["ord"]+"/crash", "", nil); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadGateway {
			t.Errorf("the request that killed the app was answered with %s", resp.Status)
		}
	}
	d.await("ord | so long\n")
	d.await("ord | ended: exit code 3 after ")
	d.becomes("ord", "well")
}

func TestDevThatCannotStartSaysWhyInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	const web = "app = 'a'\n[processes]\napp = 'sleep 1000'\n"
	for name, tc := range map[string]struct {
		files map[string]string
		args  []string
		want  string
	}{
		"nothing here":              {nil, nil, "there is no fly.toml here, and nothing here says how the app is started; say it, as in: homing dev -- node server.js"},
		"no such file":              {nil, []string{"--config", "x.toml"}, "--config x.toml: no such file or directory"},
		"broken TOML":               {map[string]string{"fly.toml": "app = 'a'\nbroken"}, nil, "fly.toml:2:"},
		"two things wrong":          {map[string]string{"fly.toml": "app = 1\nkill_signal = 'x'\n"}, nil, "fly.toml:1:7: app: want text, not a number; fly.toml:2:"},
		"a command without --":      {nil, []string{"node", "x.js"}, `"node": a command comes after --, as in: homing dev -- node x.js`},
		"a command that is missing": {nil, []string{"--", "no-such-program", "-p"}, `"no-such-program": not found in PATH`},
		"an app that ends":          {nil, []string{"--", "echo no such table; exit 4"}, "exit code 4 after "},
		"an app that listens where another does": {nil, []string{"--", "echo 'listen EADDRINUSE: address already in use :::8080'; exit 1"},
			"; each machine has a port of its own: have the app listen on $PORT, or tell it with {port} in its command"},
		"an app that never listens":  {map[string]string{"fly.toml": web}, []string{"--patience", "100ms"}, "; with --patience it may take longer"},
		"a release that fails":       {map[string]string{"fly.toml": web + "[deploy]\nrelease_command = 'false'\n"}, nil, `the release command "false" of fly.toml: exit code 1`},
		"a region nobody knows":      {nil, []string{"--regions", "gur", "--", "x"}, `--regions: there is no region "gur"; did you mean gru (São Paulo)?`},
		"a primary nobody knows":     {map[string]string{"fly.toml": "primary_region = 'odr'\n" + web}, nil, "fly.toml:1:18: primary_region: did you mean"},
		"a primary elsewhere":        {nil, []string{"--regions", "gru", "--primary", "ord", "--", "x"}, "--primary ord is not among the regions gru"},
		"a port in use":              {nil, []string{"--port", fmt.Sprint(port), "--", "sleep", "9"}, "address already in use; end what uses it, or choose other ports with --port"},
		"a range of ports in use":    {nil, []string{"--port", fmt.Sprint(port - 1), "--", "sleep", "9"}, "address already in use; end what uses it, or choose other ports with --port"},
		"no room for ports":          {nil, []string{"--port", "65534", "--", "x"}, "--port 65534 leaves no room for 3 more"},
		"a number of machines":       {nil, []string{"--machines", "gru", "--", "x"}, `--machines gru: want a region and a number, as in "gru=2"`},
		"machines elsewhere":         {nil, []string{"--machines", "syd=2", "--", "x"}, "--machines syd=2: syd is not among the regions ord gru ams"},
		"too many machines":          {nil, []string{"--machines", "gru=99", "--", "x"}, "99 machines for gru; want 0 to 32"},
		"a machine without a URL":    {nil, []string{"--machine", "gru"}, `--machine gru: want a region and a URL`},
		"a machine with a path":      {nil, []string{"--machine", "gru=http://127.0.0.1:1/x"}, "--machine: want the URL of a server without a path"},
		"a database of another kind": {nil, []string{"--db", "mysql", "--", "x"}, `--db "mysql" is not there; use none, sqlite or postgres`},
		"a broken .env":              {map[string]string{".env": "hunter2"}, []string{"--", "x"}, `.env:1: want a variable`},
		"a broken Procfile":          {map[string]string{"Procfile.dev": "web"}, nil, "Procfile.dev:1: want a name and a command"},
	} {
		t.Run(name, func(t *testing.T) {
			appFolder(t, tc.files)
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			args := append([]string{"dev"}, tc.args...)
			if !strings.Contains(name, "port") {
				args = append([]string{"dev", "--port", "0"}, tc.args...)
			}
			out := new(syncBuffer)
			err := run(t.Context(), args, out, out)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.ContainsAny(err.Error(), "\n\r") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v; want one line with %q", err, tc.want)
			}
			leaves(t, tmp)
		})
	}
}

// TestAMissingProgramIsToldOnce, not by each region's machine.
func TestAMissingProgramIsToldOnce(t *testing.T) {
	for name, args := range map[string][]string{
		"words":  {"--", "no-such-program", "-p"},
		"a line": {"--", "no-such-program -p"},
	} {
		t.Run(name, func(t *testing.T) {
			appFolder(t, nil)
			out := new(syncBuffer)
			err := run(t.Context(), append([]string{"dev", "--port", "0"}, args...), out, out)
			const want = `homing dev: start the machine in ord: "no-such-program": not found in PATH; install it, or name it by its path`
			if err == nil || err.Error() != want || strings.Contains(out.String(), "not found") {
				t.Errorf("%v, after\n%s", err, out)
			}
		})
	}
}

func TestDevIsSteeredFromAnotherTerminal(t *testing.T) {
	appFolder(t, map[string]string{"app.py": pythonApp})
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("Python is not installed; make setup installs it")
	}
	d := startDev(t, "--distances", "none", "--regions", "ord,gru", "--", "python3", "app.py")
	port := d.page[strings.LastIndex(d.page, ":")+1:]
	steer := func(args ...string) (string, error) {
		out := new(syncBuffer)
		err := run(t.Context(), append(append([]string{"dev"}, args...), "--port", port), out, out)
		return out.String(), err
	}
	id := d.do("GET", "gru", "/FLY_MACHINE_ID")
	for _, tc := range []struct{ verb, what, serves, wrong string }{
		{"stop", "gru", "ord", ""},
		{"start", "gru", "gru", ""},
		{"stop", "gru/" + id, "ord", ""},
		{"start", "gru/" + id, "gru", ""},
		{"stop", "gru/1", "ord", ""}, // as the log calls machines, where there are several
		{"start", "gru/1", "gru", ""},
		{"cut", "gru", "gru", ""},
		{"reconnect", "gru", "gru", ""},
		{"stop", "gru/nobody", "gru", `there is no machine "nobody" in gru`},
		{"stop", "syd", "gru", `there is no region "syd" here`},
		{"hold", "gru", "gru", "cannot be held back here"},
		{"promote", "gru", "gru", "the primary cannot move here"},
	} {
		_, err := steer(tc.verb, tc.what)
		if (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
			t.Errorf("%s %s: %v; want %q", tc.verb, tc.what, err, tc.wrong)
		}
		if got := d.do("GET", "gru", "/FLY_REGION"); got != tc.serves {
			t.Errorf("after %s %s %s answers; want %s", tc.verb, tc.what, got, tc.serves)
		}
	}
	d.do("POST", "gru", "/there?x=1")
	patience := time.After(20 * time.Second)
	for { // a record follows its answer
		out, err := steer("journeys")
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m) ms  200 +POST "/there"  gru → ord$`).MatchString(out) {
			return
		}
		select {
		case <-patience:
			t.Fatalf("no such journey:\n%s", out)
		default:
		}
	}
}

func TestSteeringWhatDoesNotRun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	out := new(syncBuffer)
	if err := run(t.Context(), []string{"dev", "stop", "gru", "--port", port}, out, out); err == nil || !strings.Contains(err.Error(), "start homing dev first") {
		t.Error(err)
	}
}

// TestACommandNamedLikeASubcommand: what comes after -- is the app's.
func TestACommandNamedLikeASubcommand(t *testing.T) {
	appFolder(t, nil)
	out := new(syncBuffer)
	err := run(t.Context(), []string{"dev", "--port", "0", "--", "stop", "gru"}, out, out)
	if err == nil || !strings.Contains(err.Error(), `"stop": not found`) {
		t.Error(err)
	}
}

// TestSignalsEndDev: the program itself, as a terminal and a service manager end it.
func TestSignalsEndDev(t *testing.T) {
	bin := build(t)
	appFolder(t, map[string]string{"app.py": pythonApp})
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("Python is not installed; make setup installs it")
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startWith(t, bin, "dev", "--port", "0", "--regions", "ord,gru", "--", "python3", "app.py")
			p.until("Ctrl-C ends it.")
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			p.ends(t)
			leaves(t, p.folder)
		})
	}
}
