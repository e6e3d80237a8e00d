package forward_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"homing/edge/misbehave"
	"homing/forward"
)

// leavesNothing must be called first.
func leavesNothing(t testing.TB) { misbehave.LeavesNothing(t) }

// raw is a machine that is written by hand: f gets each connection, counted from
// 0, which is closed when f returns.
type raw struct {
	*misbehave.Listener
	addr string
}

func newRaw(t testing.TB, f func(nth int, c *net.TCPConn, br *bufio.Reader)) *raw {
	l := misbehave.Listen(t, f)
	return &raw{l, l.Addr}
}

func (m *raw) conns() int { return m.Conns() }

// answers is a raw machine that says the same on every connection, once for each
// request without a body.
func answers(t testing.TB, text string) *raw {
	return newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		for skipHead(br) {
			io.WriteString(c, text)
		}
	})
}

func skipHead(br *bufio.Reader) bool { return misbehave.SkipHead(br) }

func reset(c *net.TCPConn) { misbehave.ResetConn(c) }

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
