package forward_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/forward"
)

// eventually polls until ok says yes.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Errorf("still not so after 5 s: %s", what)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// leavesNothing checks at the test's end, when all else is cleaned up, that no
// goroutine and no file is left. It must be called first.
func leavesNothing(t testing.TB) {
	goroutines, files := runtime.NumGoroutine(), openFiles()
	t.Cleanup(func() {
		eventually(t, "as many goroutines and open files as before", func() bool {
			return runtime.NumGoroutine() <= goroutines && openFiles() <= files
		})
		if runtime.NumGoroutine() > goroutines || openFiles() > files {
			buf := make([]byte, 64<<10)
			t.Logf("%d goroutines, %d files before; now %d, %d\n%s", goroutines, files,
				runtime.NumGoroutine(), openFiles(), buf[:runtime.Stack(buf, true)])
		}
	})
}

func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not Linux: only goroutines are compared
	}
	return len(entries)
}

// raw is a machine that is written by hand: f gets each connection, counted from
// 0, which is closed when f returns.
type raw struct {
	addr string

	mu    sync.Mutex
	count int
}

func newRaw(t testing.TB, f func(nth int, c *net.TCPConn, br *bufio.Reader)) *raw {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &raw{addr: l.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			nth := m.count
			m.count++
			m.mu.Unlock()
			conns.Go(func() {
				defer c.Close()
				f(nth, c.(*net.TCPConn), bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return m
}

func (m *raw) conns() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// answers is a raw machine that says the same on every connection, once for each
// request without a body.
func answers(t testing.TB, text string) *raw {
	return newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		for skipHead(br) {
			io.WriteString(c, text)
		}
	})
}

// skipHead reads a request's head and reports whether there was one.
func skipHead(br *bufio.Reader) bool {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			return true
		}
	}
}

// reset closes a connection so that the other side gets a reset.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// serving is a machine on net/http's server.
func serving(t testing.TB, h http.HandlerFunc) (addr string, conns func() int) {
	var mu sync.Mutex
	var count int
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			mu.Lock()
			count++
			mu.Unlock()
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

func newPool(t testing.TB, cfg forward.Config) *forward.Pool {
	p := forward.NewPool(cfg)
	t.Cleanup(p.Close)
	return p
}

func request(method string) *forward.Request {
	return &forward.Request{Method: method, Target: "/", Host: "app.test"}
}

// withBody adds a body to a request; the body is closed at the test's end.
func withBody(t testing.TB, req *forward.Request, client io.Reader, length int64) *forward.Body {
	interrupt := func() {}
	if c, ok := client.(io.Closer); ok {
		interrupt = func() { c.Close() }
	}
	b := forward.NewBody(client, length, 1<<20, forward.NewBudget(1<<30), interrupt)
	t.Cleanup(b.Close)
	req.Length, req.Body = length, attempt(t, b)
	return b
}

func attempt(t testing.TB, b *forward.Body) *forward.Attempt {
	t.Helper()
	a, err := b.Attempt()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get does an exchange that must succeed and returns the answer and its body.
func get(t testing.TB, p *forward.Pool, addr string, req *forward.Request) (*forward.Response, string) {
	t.Helper()
	resp, err := p.Do(t.Context(), addr, req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func ok(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }

func echo(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).EnableFullDuplex()
	io.Copy(w, r.Body)
}

// background is an exchange under way whose outcome comes on a channel.
func background(ctx context.Context, p *forward.Pool, addr string, req *forward.Request) <-chan error {
	done := make(chan error, 1)
	go func() {
		resp, err := p.Do(ctx, addr, req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		done <- err
	}()
	return done
}

// zeros is a body of n bytes that costs no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var long = strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB
