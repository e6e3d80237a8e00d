package main

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// plainApp knows nothing of regions, and says where it runs.
const plainApp = `
import http.server, os
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = (self.command + " in " + os.environ["FLY_REGION"]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
`

// TestDevWithASidecar: writes of an app that knows nothing of regions go home.
func TestDevWithASidecar(t *testing.T) {
	bin := build(t)
	appFolder(t, map[string]string{"app.py": plainApp})
	p := startWith(t, bin, "dev", "--port", "0", "--distances", "none", "--regions", "ord,gru", "--sidecar", "--", "python3", "app.py")
	edge := p.until("http://gru.localhost:")
	p.until("Ctrl-C ends it.")
	_, port, _ := strings.Cut(edge, "gru.localhost:")
	for method, want := range map[string]string{"GET": "GET in gru", "POST": "POST in ord"} {
		req, err := http.NewRequest(method, "http://127.0.0.1:"+strings.TrimSpace(port), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != want || err != nil {
			t.Errorf("got %q, %v; want %q", body, err, want)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.ends(t)
}
