package forward_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homing/forward"
	"homing/wire"
)

func TestConnectionsAreUsedAgain(t *testing.T) {
	leavesNothing(t)
	addr, conns := serving(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.Header.Get("Status") {
		case "204":
			w.WriteHeader(204)
		case "304":
			w.WriteHeader(304)
		default:
			w.Write(body)
			io.WriteString(w, "ok")
		}
	})
	p := newPool(t, forward.Config{})
	for _, c := range []struct {
		method, status string
		want           string
	}{
		{"GET", "", "ok"}, {"HEAD", "", ""}, {"GET", "204", ""}, {"GET", "304", ""}, {"POST", "", "ok"}, {"GET", "", "ok"},
	} {
		req := request(c.method)
		req.Header = wire.Header{{Name: "Status", Value: c.status}}
		if _, body := get(t, p, addr, req); body != c.want {
			t.Errorf("%s %s brought %q, want %q", c.method, c.status, body, c.want)
		}
	}
	if n := conns(); n != 1 {
		t.Errorf("%d connections for 6 exchanges, want 1", n)
	}
}

func TestConnectionAfterABodyIsUsedAgain(t *testing.T) {
	leavesNothing(t)
	addr, conns := serving(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		ok(w, r)
	})
	p := newPool(t, forward.Config{})
	for _, length := range []int64{100, -1, 100_000, -1, 1, -1, 10, 10} {
		req := request("POST")
		size := length
		if size < 0 {
			size = 5
		}
		withBody(t, req, zeros(size), length)
		get(t, p, addr, req)
	}
	if n := conns(); n > 2 { // one more if the machine of this test is very slow
		t.Errorf("%d connections for 8 exchanges", n)
	}
}

func TestConnectionsThatAreNotUsedAgain(t *testing.T) {
	cases := []struct {
		behaviour string
		method    string
		answer    string
		read      bool
	}{
		{"the answer says close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true},
		{"the answer is HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
		{"the answer was not read to its end", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false},
		{"more came than the answer", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", true},
		{"HEAD was answered with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
		{"204 came with a body", "GET", "HTTP/1.1 204 No Content\r\n\r\nok", true},
		{"the machine speaks another protocol now", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", true},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := answers(t, c.answer)
			p := newPool(t, forward.Config{})
			for range 2 {
				resp, err := p.Do(t.Context(), m.addr, request(c.method))
				if err != nil {
					t.Fatal(err)
				}
				if c.read {
					io.ReadAll(resp.Body)
				}
				resp.Body.Close()
			}
			if n := m.conns(); n != 2 {
				t.Errorf("%d connections for 2 exchanges, want 2", n)
			}
			p.Close()
		})
	}
}

// TestBytesThatNobodyAskedForAreNoAnswer sends them when the connection is idle.
func TestBytesThatNobodyAskedForAreNoAnswer(t *testing.T) {
	leavesNothing(t)
	idle, said := make(chan struct{}), make(chan struct{})
	m := newRaw(t, func(nth int, c *net.TCPConn, br *bufio.Reader) {
		for skipHead(br) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if nth == 0 {
				<-idle
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				close(said)
			}
		}
	})
	p := newPool(t, forward.Config{})
	get(t, p, m.addr, request("GET"))
	close(idle)
	<-said
	if _, body := get(t, p, m.addr, request("GET")); body != "ok" {
		t.Errorf("the answer is %q", body)
	}
}

func TestAKeptConnectionThatTheMachineClosedIsNotUsedForWhatMayRunOnce(t *testing.T) {
	leavesNothing(t)
	idle, closed := make(chan struct{}), make(chan struct{})
	m := newRaw(t, func(nth int, c *net.TCPConn, br *bufio.Reader) {
		for skipHead(br) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if nth == 0 {
				<-idle
				c.Close()
				close(closed)
			}
		}
	})
	p := newPool(t, forward.Config{})
	get(t, p, m.addr, request("GET"))
	close(idle)
	<-closed
	req := request("POST")
	req.Once = true
	get(t, p, m.addr, req) // fails if the old connection is taken
	if n := m.conns(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// pipeConn is a connection in memory that can tell whether it is alive.
type pipeConn struct {
	net.Conn
	alive bool
}

func (c *pipeConn) Alive() bool { return c.alive }

// pipes dials machines in memory, each of which answers every request, and says so in
// its heads. ended counts the connections that were closed.
func pipes(alive bool, says ...string) (cfg forward.Config, dialled, ended *atomic.Int32) {
	dialled, ended = new(atomic.Int32), new(atomic.Int32)
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
		dialled.Add(1)
		here, there := net.Pipe()
		go func() {
			br := bufio.NewReader(there)
			for skipHead(br) {
				io.WriteString(there, "HTTP/1.1 200 OK\r\n"+strings.Join(says, "")+"Content-Length: 2\r\n\r\nok")
			}
			ended.Add(1)
			there.Close()
		}()
		return &pipeConn{here, alive}, nil
	}
	return cfg, dialled, ended
}

func TestIdleConnectionsAreUsedFor4SecondsAndClosedSoonAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, dialled, ended := pipes(true)
		p := forward.NewPool(cfg)
		defer p.Close()
		get(t, p, "m", request("GET"))
		time.Sleep(4*time.Second - 1)
		get(t, p, "m", request("GET"))
		if dialled.Load() != 1 {
			t.Errorf("dialled %d times within 4 s, want once", dialled.Load())
		}
		time.Sleep(4*time.Second + 1)
		get(t, p, "m", request("GET"))
		if dialled.Load() != 2 {
			t.Errorf("dialled %d times, want a second time after 4 s", dialled.Load())
		}
		time.Sleep(8 * time.Second)
		synctest.Wait()
		if ended.Load() != 2 {
			t.Errorf("%d connections were closed, want 2", ended.Load())
		}
	})
}

// TestAMachineSaysForHowLongItKeepsConnections: they are used until a second before.
func TestAMachineSaysForHowLongItKeepsConnections(t *testing.T) {
	for says, want := range map[string]time.Duration{
		"Keep-Alive: timeout=5\r\n":                          4 * time.Second,
		"keep-alive: max=100, Timeout = 75\r\n":              74 * time.Second,
		"Keep-Alive: timeout=2\r\n":                          time.Second,
		"Keep-Alive: timeout=1\r\n":                          time.Nanosecond,
		"Keep-Alive: timeout=0\r\n":                          time.Nanosecond,
		"Keep-Alive: timeout=4294967295\r\n":                 5 * time.Minute,
		"Keep-Alive: timeout=99999999999999999999\r\n":       4 * time.Second,
		"Keep-Alive: timeout=-1\r\n":                         4 * time.Second,
		"Keep-Alive: max=100\r\n":                            4 * time.Second,
		"Keep-Alive: timeout=9\r\nKeep-Alive: timeout=1\r\n": 8 * time.Second,
	} {
		t.Run(says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, dialled, ended := pipes(true, says)
				p := forward.NewPool(cfg)
				defer p.Close()
				get(t, p, "m", request("GET"))
				time.Sleep(want - 1)
				get(t, p, "m", request("GET"))
				time.Sleep(want + 1)
				get(t, p, "m", request("GET"))
				if n := dialled.Load(); n != 2 {
					t.Errorf("dialled %d times, want once and, a moment after %v, once more", n, want)
				}
				time.Sleep(want + 5*time.Second)
				synctest.Wait()
				if n := ended.Load(); n != 2 {
					t.Errorf("%d connections were closed, want 2", n)
				}
			})
		})
	}
}

func TestAConnectionThatSaysItIsDeadIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, dialled, _ := pipes(false)
		p := forward.NewPool(cfg)
		defer p.Close()
		get(t, p, "m", request("GET"))
		get(t, p, "m", request("GET"))
		if dialled.Load() != 2 {
			t.Errorf("dialled %d times, want 2", dialled.Load())
		}
	})
}

func TestNoMoreThanMaxIdleConnectionsAreKept(t *testing.T) {
	leavesNothing(t)
	var open [3]chan struct{}
	for i := range open {
		open[i] = make(chan struct{})
	}
	arrived := make(chan struct{}, 3)
	closed := make(chan int, 3)
	m := newRaw(t, func(nth int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		arrived <- struct{}{}
		<-open[nth]
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		skipHead(br)
		closed <- nth
	})
	p := newPool(t, forward.Config{MaxIdle: 2})
	var done [3]<-chan error
	for i := range done {
		done[i] = background(t.Context(), p, m.addr, request("GET"))
		<-arrived
	}
	for i := range done {
		close(open[i])
		if err := <-done[i]; err != nil {
			t.Fatal(err)
		}
	}
	if nth := <-closed; nth != 2 {
		t.Errorf("connection %d was closed first, want 2: the others were kept already", nth)
	}
}

func TestAClosedPoolBeginsNothingAndLetsTheRestEnd(t *testing.T) {
	leavesNothing(t)
	addr, _ := serving(t, ok)
	p := newPool(t, forward.Config{})
	resp, err := p.Do(t.Context(), addr, request("GET"))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "ok" || err != nil {
		t.Errorf("the answer under way ended as %q, %v", body, err)
	}
	if _, err := p.Do(t.Context(), addr, request("GET")); err == nil {
		t.Error("a closed pool began an exchange")
	}
}
