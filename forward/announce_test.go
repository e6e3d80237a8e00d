package forward_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/forward"
)

// announced is a request whose body is announced. read says whether anybody has
// begun to read the client.
func announced(t testing.TB, body string) (req *forward.Request, b *forward.Body) {
	req = request("POST")
	req.Announce = true
	return req, withBody(t, req, strings.NewReader(body), int64(len(body)))
}

// TestAnAnnouncedBody is about machines that ask for it, or do not.
func TestAnAnnouncedBody(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	expects := func(br *bufio.Reader) bool { // reads a head
		found := false
		for {
			line, err := br.ReadString('\n')
			if err != nil || line == "\r\n" {
				return found
			}
			found = found || strings.EqualFold(line, "Expect: 100-continue\r\n")
		}
	}
	took := func(br *bufio.Reader) string {
		p := make([]byte, len("the body"))
		n, _ := io.ReadFull(br, p)
		return string(p[:n])
	}
	for _, tt := range []struct {
		behaviour string
		machine   func(expected bool, c net.Conn, br *bufio.Reader) (body string)
		status    int
		body      string // that the machine took
		touched   bool   // the client was read
		again     bool   // the connection is kept
		wait      time.Duration
	}{
		{"asks for it", func(_ bool, c net.Conn, br *bufio.Reader) string {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			body := took(br)
			io.WriteString(c, ok)
			return body
		}, 200, "the body", true, true, time.Minute},
		{"answers without it", func(_ bool, c net.Conn, br *bufio.Reader) string {
			io.WriteString(c, ok)
			return took(br)
		}, 200, "", false, false, time.Minute},
		{"says something else first", func(_ bool, c net.Conn, br *bufio.Reader) string {
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
			body := took(br)
			io.WriteString(c, ok)
			return body
		}, 200, "the body", true, true, time.Minute},
		{"says nothing", func(_ bool, c net.Conn, br *bufio.Reader) string {
			body := took(br)
			io.WriteString(c, ok)
			return body
		}, 200, "the body", true, true, 20 * time.Millisecond},
		{"does not know what that is", func(expected bool, c net.Conn, br *bufio.Reader) string {
			if expected {
				io.WriteString(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
				return ""
			}
			body := took(br)
			io.WriteString(c, ok)
			return body
		}, 200, "the body", true, true, time.Minute},
		{"asks, and finds the expectation wrong all the same", func(_ bool, c net.Conn, br *bufio.Reader) string {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			body := took(br)
			io.WriteString(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
			return body
		}, 417, "the body", true, true, time.Minute},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			leavesNothing(t)
			bodies := make(chan string, 3)
			m := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
				for {
					bodies <- tt.machine(expects(br), c, br)
					if _, err := br.Peek(1); err != nil {
						return
					}
				}
			})
			p := newPool(t, forward.Config{ContinueWait: tt.wait})
			req, b := announced(t, "the body")
			resp, _ := get(t, p, m.addr, req)
			got := <-bodies
			if got == "" && tt.body != "" {
				got = <-bodies // of the second exchange
			}
			if resp.Status != tt.status || got != tt.body || b.Unread() == tt.touched {
				t.Errorf("got %d, the machine took %q, client unread: %v", resp.Status, got, b.Unread())
			}
			if idle := p.Idle(m.addr); (idle == 1) != tt.again {
				t.Errorf("%d connections are kept", idle)
			}
		})
	}
}

// TestABodyOverTheLimitCanBeSentElsewhere after a machine has answered without it.
func TestABodyOverTheLimitCanBeSentElsewhere(t *testing.T) {
	leavesNothing(t)
	near, _ := serving(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) })
	home, _ := serving(t, echo)
	budget := forward.NewBudget(0)
	b := forward.NewBody(strings.NewReader(long), int64(len(long)), 10, budget, func() {})
	t.Cleanup(b.Close)
	p := newPool(t, forward.Config{})
	for _, addr := range []string{near, near, home} {
		req := request("POST")
		req.Announce, req.Length, req.Body = true, int64(len(long)), attempt(t, b)
		if _, got := get(t, p, addr, req); addr == home && got != long {
			t.Errorf("%d bytes arrived", len(got))
		}
	}
	if _, err := b.Attempt(); !errors.Is(err, forward.ErrNotKept) {
		t.Errorf("once it was sent: %v", err)
	}
}

func TestAMachineThatDiesBeforeItAsksHasNotTouchedTheBody(t *testing.T) {
	leavesNothing(t)
	m := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br) })
	req, b := announced(t, "the body")
	_, err := newPool(t, forward.Config{ContinueWait: time.Minute}).Do(t.Context(), m.addr, req)
	var fail *forward.Error
	if !errors.As(err, &fail) || !fail.Sent || !b.Unread() {
		t.Errorf("%v, sent: %+v, unread: %v", err, fail, b.Unread())
	}
}

// TestHTTP2ABodyOverTheLimitCanBeSentElsewhere, as over HTTP/1.1.
func TestHTTP2ABodyOverTheLimitCanBeSentElsewhere(t *testing.T) {
	leavesNothing(t)
	near, _ := serving2(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) })
	home, _ := serving2(t, echo)
	b := forward.NewBody(strings.NewReader(long), int64(len(long)), 10, forward.NewBudget(0), func() {})
	t.Cleanup(b.Close)
	p := newPool(t, forward.Config{ContinueWait: time.Minute})
	for _, addr := range []string{near, near, home} {
		req := request2("POST")
		req.Announce, req.Length, req.Body = true, int64(len(long)), attempt(t, b)
		if _, got := get(t, p, addr, req); addr == home && got != long {
			t.Errorf("%d bytes arrived", len(got))
		}
	}
	if _, err := b.Attempt(); !errors.Is(err, forward.ErrNotKept) {
		t.Errorf("once it was sent: %v", err)
	}
}

// TestHTTP2AnAnnouncedBody is about machines that ask for it, or do not.
func TestHTTP2AnAnnouncedBody(t *testing.T) {
	for behaviour, tt := range map[string]struct {
		machine func(m frames, id uint32)
		status  int
		touched bool // the client was read
		wait    time.Duration
	}{
		"asks for it":        {func(m frames, id uint32) { m.answer(id, "100", false); m.streamEnds(); m.answer(id, "204", true) }, 204, true, time.Minute},
		"says nothing":       {func(m frames, id uint32) { m.streamEnds(); m.answer(id, "204", true) }, 204, true, 20 * time.Millisecond},
		"answers without it": {func(m frames, id uint32) { m.answer(id, "204", true); m.streamEnds() }, 204, false, time.Minute},
		"answers slowly without it": {func(m frames, id uint32) {
			m.answer(id, "200", false)
			<-time.After(60 * time.Millisecond)
			m.WriteData(id, true, []byte("ok"))
		}, 200, false, 20 * time.Millisecond},
		"does not know what that is": {func(m frames, id uint32) {
			m.answer(id, "417", true)
			if id = m.request(); m.streamEnds() {
				m.answer(id, "204", true)
			}
		}, 204, true, time.Minute},
		"asks, and finds the expectation wrong all the same": {func(m frames, id uint32) {
			m.answer(id, "100", false)
			m.streamEnds()
			m.answer(id, "417", true)
		}, 417, true, time.Minute},
	} {
		t.Run(behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := newFrames(t, func(nth int, m frames) {
				if nth > 0 {
					t.Error("a second connection was needed")
				}
				tt.machine(m, m.request())
				m.end()
			})
			req, b := announced(t, "the body")
			req.HTTP2 = true
			resp, _ := get(t, newPool(t, forward.Config{ContinueWait: tt.wait}), m.addr, req)
			if resp.Status != tt.status || b.Unread() == tt.touched {
				t.Errorf("got %d, client unread: %v", resp.Status, b.Unread())
			}
		})
	}
}
