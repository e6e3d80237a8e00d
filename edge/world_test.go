package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"homing/edge"
	"homing/edge/misbehave"
	"homing/fleet"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

// world is an edge in ams on a real socket, and its machines.
type world struct {
	t       testing.TB
	edge    *edge.Edge
	server  *edge.Server
	served  chan error // what Serve returned
	addr    string
	records chan *journey.Record
	client  *http.Client // follows no redirects
}

// distances: ams is here, all else is one hundred milliseconds away (a number to
// choose by; nothing waits for it).
func distances(region.Code, region.Code) time.Duration { return 100 * time.Millisecond }

// newWorld starts an edge for the app "web". The machines must have been made
// before, so that they are stopped after it. change may be nil.
func newWorld(t testing.TB, change func(*edge.Config), machines ...fleet.Machine) *world {
	w := &world{t: t, records: make(chan *journey.Record, 10_000)}
	cfg := edge.Config{
		Region: "ams", App: "web", Fleet: fleet.New(distances, machines...),
		Record: func(r *journey.Record) { w.records <- r.Clone() },
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	e, err := edge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := e.Server()
	if _, ok := t.(*testing.T); ok {
		srv.Spoil()
	}
	w.edge, w.server, w.addr, w.served = e, srv, l.Addr().String(), make(chan error, 1)
	go func() { w.served <- srv.Serve(l) }()
	w.client = &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		srv.Close()
		e.Close()
		w.eventually("all kept bodies are freed", func() bool { return e.KeptBytes() == 0 })
	})
	return w
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	misbehave.Eventually(w.t, what, ok)
}

// serving is a healthy machine of the app "web" on net/http's server.
func serving(t testing.TB, id machine.ID, at region.Code, h http.HandlerFunc) fleet.Machine {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return fleet.Machine{ID: id, App: "web", Region: at, Addr: srv.Listener.Addr().String(), Healthy: true}
}

// raw is a machine written by hand: f gets each connection, counted from 0.
func raw(t testing.TB, id machine.ID, at region.Code, f func(nth int, c *net.TCPConn, br *bufio.Reader)) fleet.Machine {
	return fleet.Machine{ID: id, App: "web", Region: at, Addr: misbehave.Listen(t, f).Addr, Healthy: true}
}

// says is a raw machine that reads one request without a body on each
// connection, and says text.
func says(t testing.TB, id machine.ID, at region.Code, text string) fleet.Machine {
	return raw(t, id, at, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		if skipHead(br) {
			io.WriteString(c, text)
		}
	})
}

// refusing is a machine that does not listen. Its port stays taken, or another test
// might listen there.
func refusing(t testing.TB, id machine.ID, at region.Code) fleet.Machine {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprint("127.0.0.1:", bound.(*syscall.SockaddrInet4).Port)
	return fleet.Machine{ID: id, App: "web", Region: at, Addr: addr, Healthy: true}
}

func skipHead(br *bufio.Reader) bool { return misbehave.SkipHead(br) }

func reset(c *net.TCPConn) { misbehave.ResetConn(c) }

// replays answers with a replay, and with a body and a header that must not be
// seen.
func replays(instruction string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Fly-Replay", instruction)
		w.Header().Set("Leak", "header")
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, "leak in the body")
	}
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

func echo(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).EnableFullDuplex() // else what is left of the body is dropped
	io.Copy(w, r.Body)
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // while the body was read
}

func (w *world) do(method, path, body string, header ...string) answer {
	w.t.Helper()
	return w.send(w.request(method, path, strings.NewReader(body), header...))
}

func (w *world) request(method, path string, body io.Reader, header ...string) *http.Request {
	w.t.Helper()
	if s, ok := body.(*strings.Reader); ok && s.Len() == 0 {
		body = nil
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.addr+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
	}
	return r
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), err}
}

// talk writes text on a connection of its own and returns what is said until it
// closes.
func (w *world) talk(text string) string {
	w.t.Helper()
	c := w.dial()
	io.WriteString(c, text)
	got, _ := io.ReadAll(c) // a reset is an end too
	return string(got)
}

func (w *world) dial() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// record returns the next record.
func (w *world) record() *journey.Record {
	w.t.Helper()
	select {
	case r := <-w.records:
		w.edge.AwaitLog()
		return r
	case <-time.After(10 * time.Second):
		w.t.Fatal("no record")
		return nil
	}
}

// way is the machines of a record, in order.
func way(r *journey.Record) (ids []machine.ID) {
	for _, h := range r.Hops {
		ids = append(ids, h.Machine)
	}
	return ids
}

func wantWay(t testing.TB, r *journey.Record, ids ...machine.ID) {
	t.Helper()
	if !slices.Equal(way(r), ids) {
		t.Errorf("the request went to %v, want %v", way(r), ids)
	}
}

// wantProblem checks an answer that is an error of ours.
func wantProblem(t testing.TB, a answer, status int, code, text string) {
	t.Helper()
	if a.status != status || a.header.Get("Homing-Error") != code {
		t.Errorf("got %d %q, want %d %q", a.status, a.header.Get("Homing-Error"), status, code)
	}
	if !strings.Contains(a.body, code) || !strings.Contains(a.body, text) {
		t.Errorf("the body does not say %s and %q: %q", code, text, a.body)
	}
	if a.header.Get("Fly-Request-Id") == "" {
		t.Error("the error has no Fly-Request-Id")
	}
}

// textLog logs everything to b; it is read when the request's record has come.
func textLog(b *strings.Builder) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// dialNever connects to nothing until it is told to stop.
func dialNever(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// counter counts what a machine did.
type counter = atomic.Int64

var long = strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB
