package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// toldApp says how often it was told to end; as a worker it opens no port.
const toldApp = `
import http.server, os, signal, sys, threading, time
told = 0
def tell(*args):
    global told
    told += 1
signal.signal(signal.SIGTERM, tell)
if sys.argv[1:] != ["worker"]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(os.environ["FLY_PROCESS_GROUP"], "runs in", os.environ["FLY_REGION"], flush=True)
while not told:
    time.sleep(0.01)
time.sleep(0.2)
print("told", told, flush=True)
`

// startSidecars runs toldApp in two regions, and a worker in one, as an image with a
// sidecar has them.
func startSidecars(t *testing.T, bin string) *program {
	appFolder(t, map[string]string{
		"app.py":     toldApp,
		"Dockerfile": "FROM python\nENTRYPOINT [\"homing\", \"sidecar\", \"--\"]\nCMD [\"false\"]\n",
		"fly.toml":   "app = 'told'\nprimary_region = 'ord'\n[processes]\nweb = 'python3 app.py'\nworker = 'python3 app.py worker'\n[http_service]\nprocesses = ['web']\n",
	})
	p := startWith(t, bin, "dev", "--port", "0", "--distances", "none", "--regions", "ord,gru")
	works := ""
	for up := false; (works == "" || !up) && p.lines.Scan(); {
		up = up || strings.HasPrefix(p.lines.Text(), "Ctrl-C ends it.")
		if _, where, ok := strings.Cut(p.lines.Text(), "worker runs in "); ok {
			works = where
		}
	}
	if works != "ord" {
		t.Errorf("the worker runs in %q", works)
	}
	return p
}

// testSidecarsInDev: each process group of an image with a sidecar, and their end.
func testSidecarsInDev(t *testing.T, bin string) {
	t.Run("each app is told to end once", func(t *testing.T) { testSidecarsAreStopped(t, startSidecars(t, bin)) })
	t.Run("killed, it leaves nothing", func(t *testing.T) { testSidecarsAreKilled(t, startSidecars(t, bin)) })
}

func testSidecarsAreStopped(t *testing.T, p *program) {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for p.lines.Scan() {
		if name, text, ok := strings.Cut(p.lines.Text(), "| "); ok && strings.HasPrefix(text, "told ") {
			told[strings.TrimSpace(name)] = text
		}
	}
	p.ends(t)
	if want := map[string]string{"ord": "told 1", "gru": "told 1", "worker": "told 1"}; fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", told, want)
	}
}

func testSidecarsAreKilled(t *testing.T, p *program) {
	mark := "TMPDIR=" + p.folder
	if n := len(marked(mark)); n < 7 { // homing itself, three sidecars and their apps
		t.Errorf("there are %d processes: the test looks for others: %q", n, marked(mark))
	}
	p.cmd.Process.Kill()
	p.cmd.Wait()
	eventually(t, func() bool { return len(marked(mark)) == 0 }, func() string { return fmt.Sprint(marked(mark)) })
}
