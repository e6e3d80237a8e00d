package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
	"time"

	"homing/wire"
)

// ErrNoUpgrade: an upgrade was asked for on the way to a machine that speaks
// HTTP/2, which has none (RFC 9113 §8.6).
var ErrNoUpgrade = fmt.Errorf("%w: HTTP/2 has no upgrade", ErrUnwritable)

// h2Exchange is one request and its answer on one stream.
type h2Exchange struct {
	pool   *h2Pool
	conn   *h2Conn
	req    *Request
	body   *h2Sending // nil: none
	fate   fate
	hints  chan hint     // 1xx answers, for Early; nil: none are passed on
	opened sync.Once     // lets the next request's head be sent
	sent   chan struct{} // closed when the request was sent, whole or not
	isSent sync.Once

	announced *announcement // nil: the body is sent at once
}

// hint is a 1xx answer.
type hint struct {
	status int
	header wire.Header
}

// doHTTP2 is [Pool.Do] for a machine that speaks HTTP/2. The head was found to be
// one that can be written.
func (p *Pool) doHTTP2(ctx context.Context, addr string, req *Request) (*Response, error) {
	if req.Header.Has("Upgrade") {
		return nil, &Error{Op: "send", Addr: addr, Err: ErrNoUpgrade}
	}
	begun := time.Now()
	c, reused, err := p.h2.take(ctx, addr, req)
	if err != nil {
		return nil, &Error{Op: "connect", Addr: addr, Err: err}
	}
	var connect time.Duration
	if !reused {
		connect = time.Since(begun)
	}
	req.Body.lend() // nobody tells when net/http is done with it
	x := &h2Exchange{pool: p.h2, conn: c, req: req, sent: make(chan struct{}), announced: announce(req)}
	res, err := x.run(ctx)
	if err != nil {
		fail := x.failure(ctx, err)
		fail.Addr, fail.Reused = addr, reused
		return nil, fail
	}
	resp := x.response(ctx, res)
	if resp.Status == http.StatusExpectationFailed && x.announced.withheld() {
		resp.Body.Close()
		return p.unannounced(ctx, addr, req)
	}
	resp.Connect = connect
	return resp, nil
}

// run sends the request and returns the answer's head.
func (x *h2Exchange) run(ctx context.Context) (*http.Response, error) {
	select {
	case x.conn.opening <- struct{}{}:
	case <-ctx.Done():
		x.conn.cc.Release()
		return nil, ctx.Err()
	}
	x.conn.watch.expect(&x.fate)
	if x.req.Early != nil {
		x.hints = make(chan hint, 4) // who is slower than that misses some
	}
	res, err := x.roundTrip(x.request(ctx))
	x.req.note()
	return res, err
}

// roundTrip calls Early for what comes before the answer's head: here, since who
// reads the connection must not wait for one request's client.
func (x *h2Exchange) roundTrip(r *http.Request) (res *http.Response, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err = x.conn.cc.RoundTrip(r)
		if err != nil && r.Context().Err() != nil {
			x.conn.watch.giveUp(&x.fate)
		}
		x.letNext()
	}()
	for {
		select {
		case h := <-x.hints:
			x.req.Early(h.status, h.header)
			continue
		case <-done:
		}
		for len(x.hints) > 0 {
			h := <-x.hints
			x.req.Early(h.status, h.header)
		}
		return res, err
	}
}

// letNext lets the next request's head be sent: from here on a stream that begins
// is not this one's.
func (x *h2Exchange) letNext() {
	x.opened.Do(func() {
		x.conn.watch.expect(nil)
		<-x.conn.opening
	})
}

// request makes net/http send what we have, to the letter.
func (x *h2Exchange) request(ctx context.Context) *http.Request {
	host := x.req.Host
	if host == "" {
		host = x.conn.addr // of HTTP/1.0; :authority must stand there
	}
	r := &http.Request{
		Method: x.req.Method,
		// Any other form of a URL would be encoded anew, or cut at a "//".
		URL:    &url.URL{Scheme: "http", Host: host, Opaque: "//" + host + x.req.Target},
		Host:   host,
		Header: h2Header(x.req.Header),
	}
	if x.req.Body != nil {
		x.body = newH2Sending(x)
		r.Body, r.ContentLength = x.body, x.req.Length
		if x.announced != nil {
			r.Header["Expect"] = []string{"100-continue"}
		}
	}
	trace := &httptrace.ClientTrace{
		WroteHeaders:   func() { x.req.note(); x.letNext() },
		WroteRequest:   func(httptrace.WroteRequestInfo) { x.isSent.Do(func() { close(x.sent) }) },
		Got1xxResponse: x.hinted(),
	}
	return r.WithContext(httptrace.WithClientTrace(ctx, trace))
}

// hinted bounds all 1xx answers together as wire does: a machine could say 103 for
// ever.
func (x *h2Exchange) hinted() func(int, textproto.MIMEHeader) error {
	left := 64 << 10
	return func(status int, header textproto.MIMEHeader) error {
		x.req.note()
		for name, values := range header {
			for _, v := range values {
				left -= len(name) + len(v)
			}
		}
		if left -= 32; left < 0 {
			return errors.New("the machine says too much before its answer")
		}
		if status == http.StatusContinue {
			x.announced.settle(true)
			return nil
		}
		if x.hints == nil {
			return nil
		}
		select {
		case x.hints <- hint{status, Fields(http.Header(header))}:
		default:
		}
		return nil
	}
}

// h2Header copies the fields that HTTP/2 knows (RFC 9113 §8.2.2). The other
// framing is net/http's.
func h2Header(h wire.Header) http.Header {
	out := HTTPHeader(h)
	for name := range out {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Transfer_encoding", "Upgrade",
			"Host", "Content-Length", "Content_length", "Expect", "Te":
			delete(out, name)
		}
	}
	for v := range h.Values("Te") {
		if v == "trailers" {
			out["Te"] = []string{v}
		}
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = []string{""} // or net/http would name itself
	}
	return out
}

// failure ends an exchange that brought no answer, and says what is known of it.
func (x *h2Exchange) failure(ctx context.Context, err error) *Error {
	fail := &Error{Op: "answer", Err: err}
	fail.Sent, fail.Answered, fail.Unprocessed = x.conn.watch.settle(&x.fate)
	if !fail.Sent {
		fail.Op = "send"
	}
	if cause := x.req.Body.failure(); cause != nil {
		fail.Err = cause // the body broke, and took this exchange with it
	}
	if ctx.Err() != nil {
		fail.Err = context.Cause(ctx)
	}
	x.announced.settle(false)
	x.body.Close()
	x.req.Body.end()
	x.pool.done(x.conn)
	return fail
}

// h2Sending is a request's body for net/http, which waits for a read to end when
// it closes a body. A read of our client cannot be ended, since a later attempt
// goes on with what it brings, so that a goroutine of its own makes it. It begins
// with the first read, and when a body that was announced may be sent: until then
// net/http waits as if nothing had come.
type h2Sending struct {
	exchange *h2Exchange
	begin    sync.Once
	r        *io.PipeReader
	w        *io.PipeWriter
}

func newH2Sending(x *h2Exchange) *h2Sending {
	s := &h2Sending{exchange: x}
	s.r, s.w = io.Pipe()
	return s
}

func (s *h2Sending) Read(p []byte) (int, error) {
	s.begin.Do(func() { go s.copy() })
	n, err := s.r.Read(p)
	s.exchange.req.note() // net/http reads no more than the machine lets it send
	return n, err
}

// copy sends the body, or nothing at all: then Close ends the read.
func (s *h2Sending) copy() {
	x := s.exchange
	if x.announced.await(x.pool.cfg.ContinueWait) {
		_, err := io.Copy(s.w, x.req.Body)
		s.w.CloseWithError(err)
	}
}

// Close ends the attempt. It may be called at any time, by anybody.
func (s *h2Sending) Close() error {
	if s == nil {
		return nil
	}
	s.exchange.req.Body.end()
	return s.r.CloseWithError(errAttemptOver)
}
