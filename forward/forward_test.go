package forward_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"homing/forward"
	"homing/wire"
)

func TestErrorsTellWhatLeftAndWhatCame(t *testing.T) {
	type machine = func(nth int, c *net.TCPConn, br *bufio.Reader)
	says := func(text string) machine {
		return func(_ int, c *net.TCPConn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, text)
		}
	}
	endless := func(start, line string) machine {
		return func(_ int, c *net.TCPConn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, start)
			for {
				if _, err := io.WriteString(c, line); err != nil {
					return
				}
			}
		}
	}
	cases := []struct {
		behaviour string
		machine   machine
		want      forward.Error // Err: checked with errors.Is, if set
		text      string        // part of the error
	}{
		{"closed after the request was read", says(""),
			forward.Error{Op: "answer", Sent: true, Err: io.ErrUnexpectedEOF}, "closed the connection"},
		{"reset after the request was read", func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br); reset(c) },
			forward.Error{Op: "answer", Sent: true, Err: syscall.ECONNRESET}, ""},
		{"closed within the head", says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
			forward.Error{Op: "answer", Sent: true, Answered: true, Err: io.ErrUnexpectedEOF}, ""},
		{"a head without end", endless("HTTP/1.1 200 OK\r\n", "X: "+long[:1000]+"\r\n"),
			forward.Error{Op: "answer", Sent: true, Answered: true}, "too long"},
		{"a line without end", endless("HTTP/1.1 200 OK\r\nX: ", long[:1000]),
			forward.Error{Op: "answer", Sent: true, Answered: true}, "too long"},
		{"103 for ever", endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
			forward.Error{Op: "answer", Sent: true, Answered: true}, "too long"},
		{"no HTTP", says("SSH-2.0-OpenSSH_9.6\r\n\r\n"),
			forward.Error{Op: "answer", Sent: true, Answered: true}, "malformed"},
		{"a status that is none", says("HTTP/1.1 000 Zero\r\n\r\n"),
			forward.Error{Op: "answer", Sent: true, Answered: true}, "the status is not"},
		{"two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
			forward.Error{Op: "answer", Sent: true, Answered: true}, "Content-Length"},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := newRaw(t, c.machine)
			c.want.Addr = m.addr
			_, err := newPool(t, forward.Config{}).Do(t.Context(), m.addr, request("GET"))
			checkError(t, err, c.want, c.text)
		})
	}
}

func checkError(t *testing.T, err error, want forward.Error, text string) {
	t.Helper()
	var got *forward.Error
	if !errors.As(err, &got) {
		t.Fatalf("error %v is no *forward.Error", err)
	}
	if want.Err != nil && !errors.Is(err, want.Err) {
		t.Errorf("the cause is %v, want %v", got.Err, want.Err)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("error %q does not say %q", err, text)
	}
	want.Err = got.Err
	if *got != want {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestNothingIsSentToAMachineThatRefuses(t *testing.T) {
	leavesNothing(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	addr := l.Addr().String()
	_, err = newPool(t, forward.Config{}).Do(t.Context(), addr, request("GET"))
	checkError(t, err, forward.Error{Op: "connect", Addr: addr, Err: syscall.ECONNREFUSED}, "")
}

func TestNothingIsSentToAMachineThatResetsAtOnce(t *testing.T) {
	leavesNothing(t)
	open, gone := make(chan struct{}), make(chan struct{})
	m := newRaw(t, func(_ int, c *net.TCPConn, _ *bufio.Reader) {
		<-open // else connecting might fail already
		reset(c)
		close(gone)
	})
	p := newPool(t, forward.Config{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		close(open)
		<-gone // else the request might leave before the reset comes
		return c, err
	}})
	_, err := p.Do(t.Context(), m.addr, request("POST"))
	checkError(t, err, forward.Error{Op: "send", Addr: m.addr, Err: syscall.ECONNRESET}, "")
}

func TestAConnectionThatServedBeforeIsSaidToBeReused(t *testing.T) {
	leavesNothing(t)
	m := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		skipHead(br)
	})
	p := newPool(t, forward.Config{})
	get(t, p, m.addr, request("GET"))
	_, err := p.Do(t.Context(), m.addr, request("GET"))
	checkError(t, err, forward.Error{Op: "answer", Addr: m.addr, Sent: true, Reused: true}, "")
}

func TestConnectingIsBounded(t *testing.T) {
	leavesNothing(t)
	p := newPool(t, forward.Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	req := request("GET")
	req.ConnectTimeout = time.Millisecond
	_, err := p.Do(t.Context(), "m", req)
	checkError(t, err, forward.Error{Op: "connect", Addr: "m", Err: context.DeadlineExceeded}, "")
}

func TestTheRequestArrivesAsItIs(t *testing.T) {
	cases := []struct {
		behaviour string
		req       forward.Request
		body      string
		want      []string // lines of the head, sorted
	}{
		{"GET without a body has no length", forward.Request{Method: "GET", Target: "/a%2Fb?q=%20&r"}, "",
			[]string{"GET /a%2Fb?q=%20&r HTTP/1.1", "Host: app.test"}},
		{"POST without a body has length 0", forward.Request{Method: "POST", Target: "/"}, "",
			[]string{"Content-Length: 0", "Host: app.test", "POST / HTTP/1.1"}},
		{"a known length is announced", forward.Request{Method: "PUT", Target: "/", Length: 3}, "abc",
			[]string{"Content-Length: 3", "Host: app.test", "PUT / HTTP/1.1"}},
		{"an unknown length goes in chunks", forward.Request{Method: "PUT", Target: "/", Length: -1}, "abc",
			[]string{"Host: app.test", "PUT / HTTP/1.1", "Transfer-Encoding: chunked"}},
		{"each value has its line", forward.Request{Method: "OPTIONS", Target: "*", Header: wire.Header{{Name: "Cookie", Value: "a=1"}, {Name: "Cookie", Value: "b=2"}}}, "",
			[]string{"Cookie: a=1", "Cookie: b=2", "Host: app.test", "OPTIONS * HTTP/1.1"}},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			head := make(chan []string, 1)
			m := newRaw(t, func(_ int, conn *net.TCPConn, br *bufio.Reader) {
				var lines []string
				for {
					line, err := br.ReadString('\n')
					if err != nil || line == "\r\n" {
						break
					}
					lines = append(lines, strings.TrimSuffix(line, "\r\n"))
				}
				slices.Sort(lines)
				head <- lines
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			})
			c.req.Host = "app.test"
			if c.body != "" {
				withBody(t, &c.req, strings.NewReader(c.body), c.req.Length)
			}
			get(t, newPool(t, forward.Config{}), m.addr, &c.req)
			if got := <-head; !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestBodiesGoBothWays(t *testing.T) {
	for _, length := range []int64{0, 1, 32 << 10, 1 << 20} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d bytes, announced %v", length, announced), func(t *testing.T) {
				leavesNothing(t)
				addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
					if (r.ContentLength >= 0) != announced {
						t.Errorf("the length arrived as %d", r.ContentLength)
					}
					echo(w, r)
				})
				req, n := request("POST"), length
				if !announced {
					n = -1
				}
				withBody(t, req, strings.NewReader(long[:length]), n)
				if _, body := get(t, newPool(t, forward.Config{}), addr, req); body != long[:length] {
					t.Errorf("%d bytes came back, or others", len(body))
				}
			})
		}
	}
}

func TestBothSidesMaySpeakAtOnce(t *testing.T) {
	leavesNothing(t)
	addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.EnableFullDuplex()
		rc.Flush()
		buf := make([]byte, 1)
		for {
			if _, err := io.ReadFull(r.Body, buf); err != nil {
				return
			}
			w.Write(buf)
			rc.Flush()
		}
	})
	pr, pw := io.Pipe()
	req := request("POST")
	withBody(t, req, pr, -1)
	resp, err := newPool(t, forward.Config{}).Do(t.Context(), addr, req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, want := range []byte("abc") {
		pw.Write([]byte{want})
		var got [1]byte
		if _, err := io.ReadFull(resp.Body, got[:]); err != nil || got[0] != want {
			t.Fatalf("sent %q, got %q, %v", want, got, err)
		}
	}
	pw.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("the answer ended with %q, %v", rest, err)
	}
}

func TestAnAnswerThatDoesNotWaitForTheBodyIsNotLost(t *testing.T) {
	const answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nearly"
	hold := make(chan struct{})
	cases := []struct {
		behaviour string
		machine   func(nth int, c *net.TCPConn, br *bufio.Reader)
	}{
		{"from a machine that stops reading", func(_ int, c *net.TCPConn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, answer)
			<-hold
		}},
		{"from a machine that closes with the body unread", func(_ int, c *net.TCPConn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, answer)
		}},
		{"from a machine that reads a little first", func(_ int, c *net.TCPConn, br *bufio.Reader) {
			skipHead(br)
			io.CopyN(io.Discard, br, 1<<20)
			io.WriteString(c, answer)
		}},
	}
	for _, c := range cases {
		for _, length := range []int64{64 << 20, -1} {
			t.Run(fmt.Sprintf("%s, length %d", c.behaviour, length), func(t *testing.T) {
				leavesNothing(t)
				m := newRaw(t, c.machine)
				if c.behaviour == cases[0].behaviour {
					hold = make(chan struct{})
					t.Cleanup(func() { close(hold) })
				}
				req := request("POST")
				withBody(t, req, zeros(64<<20), length)
				resp, body := get(t, newPool(t, forward.Config{}), m.addr, req)
				if resp.Status != 413 || body != "early" {
					t.Errorf("got %d %q", resp.Status, body)
				}
			})
		}
	}
}

func TestAnAnswersLengthAndTrailer(t *testing.T) {
	cases := []struct {
		behaviour, method, answer string
		length                    int64
		body                      string
		trailer                   string
	}{
		{"announced", "GET", "200 OK\r\nContent-Length: 2\r\n\r\nok", 2, "ok", ""},
		{"in chunks", "GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", -1, "ok", ""},
		{"in chunks with a trailer", "GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nDigest: x\r\n\r\n", -1, "ok", "x"},
		{"HEAD tells the length of what GET would bring", "HEAD", "200 OK\r\nContent-Length: 9\r\n\r\n", 9, "", ""},
		{"204 has none", "GET", "204 No Content\r\n\r\n", 0, "", ""},
		{"304 has none", "GET", "304 Not Modified\r\nContent-Length: 9\r\n\r\n", 0, "", ""},
		{"until the connection ends", "GET", "200 OK\r\nConnection: close\r\n\r\nok", -1, "ok", ""},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := newRaw(t, func(_ int, conn *net.TCPConn, br *bufio.Reader) {
				skipHead(br)
				io.WriteString(conn, "HTTP/1.1 "+c.answer)
			})
			resp, body := get(t, newPool(t, forward.Config{}), m.addr, request(c.method))
			if resp.Length != c.length || body != c.body || resp.Trailer.Get("Digest") != c.trailer {
				t.Errorf("length %d, body %q, trailer %v", resp.Length, body, resp.Trailer)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsAnError(t *testing.T) {
	for behaviour, answer := range map[string]string{
		"announced": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		"in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
				skipHead(br)
				io.WriteString(c, answer)
			})
			resp, err := newPool(t, forward.Config{}).Do(t.Context(), m.addr, request("GET"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); string(body) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("read %q, %v", body, err)
			}
		})
	}
}

func TestEarlyAnswersArePassedOnBut100IsNot(t *testing.T) {
	leavesNothing(t)
	m := answers(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+
		"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	var got []string
	req := request("GET")
	req.Early = func(status int, h wire.Header) { got = append(got, fmt.Sprint(status, h.Get("Link"))) }
	p := newPool(t, forward.Config{})
	get(t, p, m.addr, req)
	if want := []string{"103</a>", "102"}; !slices.Equal(got, want) {
		t.Errorf("early answers %q, want %q", got, want)
	}
	get(t, p, m.addr, request("GET")) // without Early they are dropped
	p.Close()
}

func TestTheEndOfTheContextEndsTheExchange(t *testing.T) {
	cases := []struct {
		behaviour string
		begin     bool // the answer has begun
	}{{"before the answer", false}, {"within the answer", true}}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			arrived, left := make(chan struct{}), make(chan struct{})
			addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
				if c.begin {
					http.NewResponseController(w).Flush()
				}
				close(arrived)
				<-r.Context().Done() // the machine sees that the connection is gone
				close(left)
			})
			why := errors.New("the client left")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			done := background(ctx, newPool(t, forward.Config{}), addr, request("GET"))
			<-arrived
			cancel(why)
			err := <-done
			<-left
			if err == nil || !c.begin && !errors.Is(err, why) {
				t.Errorf("the exchange ended with %v", err)
			}
		})
	}
}
