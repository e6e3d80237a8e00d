package edge_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/journey"
)

// pipes is an edge between connections in memory, for tests in which hours pass at
// once.
type pipes struct {
	t       *testing.T
	clients chan net.Conn
	records chan *journey.Record
	closed  chan struct{}
}

// idle is the timeout of these tests, and almost what a tick of something slow takes.
const (
	idle   = time.Second
	almost = idle * 9 / 10
)

// newPipes has one machine in ams, which gets each connection. It is served by the
// edge's own front, or by net/http's.
func newPipes(t *testing.T, front string, change func(*edge.Config, *fleet.Options), machine func(c net.Conn, br *bufio.Reader)) *pipes {
	p := &pipes{t: t, clients: make(chan net.Conn), records: make(chan *journey.Record, 10), closed: make(chan struct{})}
	near := fleet.Machine{ID: "near", App: "web", Region: "ams", Addr: "near", Healthy: true, Limits: fleet.Limits{Hard: 1}}
	options := fleet.Options{IdleTimeout: idle}
	cfg := edge.Config{
		Region: "ams", App: "web", Fleet: fleet.New(distances, near), Logger: slog.New(slog.DiscardHandler),
		Record: func(r *journey.Record) { p.records <- r.Clone() },
	}
	cfg.Machines.Dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			machine(theirs, bufio.NewReader(theirs))
		}()
		return ours, nil
	}
	if change != nil {
		change(&cfg, &options)
	}
	if err := cfg.Fleet.SetApps(fleet.App{Name: "web", Options: options}); err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var srv interface {
		Serve(net.Listener) error
		Close() error
	} = e.Server()
	if front == "net/http" {
		srv = &http.Server{Handler: e, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	}
	go srv.Serve(p)
	t.Cleanup(func() {
		srv.Close()
		e.Close()
		time.Sleep(time.Second) // net/http lingers after an early answer, in the bubble's time
		synctest.Wait()
		if n := e.KeptBytes(); n > 0 {
			t.Errorf("%d bytes are still kept", n)
		}
	})
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.clients:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// says is a client that has said text.
func (p *pipes) says(text string) (net.Conn, *bufio.Reader) {
	ours, theirs := net.Pipe()
	p.t.Cleanup(func() { ours.Close() })
	p.clients <- theirs
	io.WriteString(ours, text)
	return ours, bufio.NewReader(ours)
}

func (p *pipes) answer(br *bufio.Reader) answer {
	p.t.Helper()
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), err}
}

// until reads until the other side ends it.
func until(c io.Reader) { io.Copy(io.Discard, c) }

const (
	plainGet   = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	halfPost   = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
	okHead     = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
	switchHead = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"
	askSwitch  = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"
)

// eachFront runs a test in a bubble for both fronts.
func eachFront(t *testing.T, test func(t *testing.T, front string)) {
	for _, front := range []string{"wire", "net/http"} {
		t.Run(front, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, front) })
		})
	}
}
