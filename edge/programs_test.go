package edge_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clientsApp is what the programs of these tests ask: /bytes/N has N bytes, /echo is what
// was sent, /home that is answered by the other machine, /file has a tag and parts.
func clientsApp(near bool) http.HandlerFunc {
	mux := http.NewServeMux()
	mux.HandleFunc("/bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		io.WriteString(w, strings.Repeat("x", n))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the connection of one that is still sent ends with an early answer
		w.Write(body)
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, browserPage)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		http.ServeContent(w, r, "file", time.Time{}, strings.NewReader("0123456789"))
	})
	mux.HandleFunc("/home", func(w http.ResponseWriter, r *http.Request) {
		if near {
			io.Copy(io.Discard, r.Body)
			replays("region=ord")(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body) // net/http lets nobody read on who has begun to answer
		io.WriteString(w, "home:"+string(body))
	})
	return mux.ServeHTTP
}

// newClientsWorld also serves TLS, at the address that it returns.
func newClientsWorld(t *testing.T) (w *world, secure string) {
	w = newWorld(t, nil, serving(t, "near", "ams", clientsApp(true)), serving(t, "home", "ord", clientsApp(false)))
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go w.server.Serve(tls.NewListener(l, w.server.TLS(&tls.Config{Certificates: certified.TLS.Certificates})))
	return w, l.Addr().String()
}

// program runs a program that comes from Debian, which must be there: `make test` sees
// to that.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v; install it with: make setup", err)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// TestProgramsAsClients has the clients that people use ask for everything that differs
// in how it is framed, over one connection where they can.
func TestProgramsAsClients(t *testing.T) {
	w, secure := newClientsWorld(t)
	t.Run("Python", func(t *testing.T) {
		t.Parallel()
		if out := program(t, "python3", "testdata/client.py", w.addr); out != "fine\n" {
			t.Error(out)
		}
	})
	t.Run("Node", func(t *testing.T) {
		t.Parallel()
		if out := program(t, "node", "testdata/client.mjs", w.addr, secure); out != "fine\n" {
			t.Error(out)
		}
	})
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		curls(t, "--http1.1", "http://"+w.addr)
	})
	t.Run("Chromium", func(t *testing.T) {
		t.Parallel()
		browses(t, "http://"+w.addr, "fine by http/1.1")
	})
	t.Run("Chromium by HTTP/2", func(t *testing.T) {
		t.Parallel()
		browses(t, "https://"+secure, "fine by h2")
	})
	t.Run("curl by HTTP/2", func(t *testing.T) {
		t.Parallel()
		curls(t, "--http2", "https://"+secure)
	})
}

// browserPage asks for everything while it is loaded, and says what is wrong.
const browserPage = `<!doctype html><body>nothing yet<script>
const kib = "b".repeat(1024), wrong = []
function ask(method, path, want, status, body, headers) {
	const r = new XMLHttpRequest()
	r.open(method, path, false)
	for (const name in headers) r.setRequestHeader(name, headers[name])
	r.send(body)
	if (r.status !== status || r.responseText !== want) wrong.push(method + " " + path + ": " + r.status + ", " + r.responseText.length + " bytes")
}
ask("GET", "/bytes/1024", "x".repeat(1024), 200)
ask("HEAD", "/bytes/1024", "", 200)
ask("POST", "/echo", kib, 200, kib)
ask("POST", "/home", "home:" + kib, 200, kib)
ask("GET", "/file", "", 304, null, {"If-None-Match": '"v1"'})
ask("GET", "/file", "3456", 206, null, {"Range": "bytes=3-6"})
ask("GET", "/bytes/1048576", "x".repeat(1048576), 200)
const how = performance.getEntriesByType("resource").map(e => e.nextHopProtocol)
document.body.textContent = wrong.join("; ") || "fine by " + [...new Set(how)].join()
</script>`

// browses opens the page in a Chromium of its own.
func browses(t *testing.T, base, want string) {
	t.Helper()
	out := program(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic", "--ignore-certificate-errors",
		"--log-level=3", "--user-data-dir="+t.TempDir(), "--dump-dom", base+"/page")
	if !strings.Contains(out, want) {
		t.Errorf("the page says: %.2000s", out)
	}
}

// curls asks for all in one run of curl, which keeps its connection.
func curls(t *testing.T, version, base string) {
	t.Helper()
	kib := strings.Repeat("c", 1<<10)
	var args []string
	want, speaks := new(strings.Builder), strings.TrimPrefix(version, "--http")
	for _, r := range []struct {
		path, answer, status string
		options              []string
	}{
		{"/bytes/1024", strings.Repeat("x", 1024), "200", nil},
		{"/bytes/1024", "", "200", []string{"--head", "--output", "/dev/null"}},
		{"/echo", kib, "200", []string{"--data", kib}},
		{"/echo", kib, "200", []string{"--data", kib, "--header", "Transfer-Encoding: chunked"}},
		{"/echo", kib, "200", []string{"--data", kib, "--header", "Expect: 100-continue"}},
		{"/home", "home:" + kib, "200", []string{"--data", kib}},
		{"/file", "", "304", []string{"--header", `If-None-Match: "v1"`}},
		{"/file", "3456", "206", []string{"--range", "3-6"}},
		{"/bytes/1048576", strings.Repeat("x", 1<<20), "200", nil},
	} {
		if version == "--http2" && len(r.options) == 4 && r.options[3] == "Transfer-Encoding: chunked" {
			continue // HTTP/2 has none
		}
		connects := "0"
		if args == nil {
			connects = "1"
		} else {
			args = append(args, "--next")
		}
		args = append(args, "--silent", "--show-error", "--insecure", version, "--write-out", "|%{http_version} %{http_code} %{num_connects}\n", base+r.path)
		args = append(args, r.options...)
		want.WriteString(r.answer + "|" + speaks + " " + r.status + " " + connects + "\n")
	}
	if got := program(t, "curl", args...); got != want.String() {
		t.Errorf("curl got %d bytes, want %d: %q", len(got), want.Len(), strings.ReplaceAll(got, strings.Repeat("x", 1<<10), "(1 KiB)"))
	}
}

// TestGoAsAClient by net/http, over one connection.
func TestGoAsAClient(t *testing.T) {
	w, _ := newClientsWorld(t)
	kib := strings.Repeat("g", 1<<10)
	for _, r := range []struct {
		method, path, body string
		status             int
		want               string
		header             []string
	}{
		{"GET", "/bytes/1024", "", 200, strings.Repeat("x", 1<<10), nil},
		{"HEAD", "/bytes/1024", "", 200, "", nil},
		{"POST", "/echo", kib, 200, kib, nil},
		{"POST", "/home", kib, 200, "home:" + kib, nil},
		{"GET", "/file", "", 304, "", []string{"If-None-Match", `"v1"`}},
		{"GET", "/file", "", 206, "3456", []string{"Range", "bytes=3-6"}},
		{"GET", "/bytes/1048576", "", 200, strings.Repeat("x", 1<<20), nil},
	} {
		if a := w.do(r.method, r.path, r.body, r.header...); a.status != r.status || a.body != r.want || a.err != nil {
			t.Errorf("%s %s: %d, %d bytes, %v", r.method, r.path, a.status, len(a.body), a.err)
		}
	}
	inChunks := w.send(w.request("POST", "/echo", io.MultiReader(strings.NewReader(kib), strings.NewReader(kib))))
	if inChunks.body != kib+kib {
		t.Errorf("in chunks: %d, %d bytes", inChunks.status, len(inChunks.body))
	}
	if n := w.server.Clients(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}
