// Package forward carries one exchange with a machine: a request out, an answer
// back, over HTTP/1.1 connections that are kept for the next. The request is
// written and the answer read in the caller's own goroutine; only a body gets a
// second one, because a machine may answer before it has read everything, and
// waiting for either side alone could then last for ever.
//
// What went wrong is an [*Error], which knows whether a byte of the request left:
// that decides whether the request may be sent somewhere else. A [Body] can be
// read again by a later attempt for as long as it was kept.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"
)

// maxHead bounds the head of a machine's answer, in bytes.
const maxHead = 64 << 10

// Request is what a machine is sent. It is not changed.
type Request struct {
	Method string
	Target string // path and query as they stand in the request line
	Host   string
	// Header is sent as it is: hop-by-hop fields, Host, Content-Length and
	// Transfer-Encoding must not be in it.
	Header http.Header
	Body   *Attempt // nil: no body
	Length int64    // of the body in bytes; -1: unknown, sent in chunks
	// Once says that the request must not be sent a second time: a kept
	// connection is then used only if it is known to be alive. For others it is
	// enough that nothing is known against it.
	Once bool
	// Fresh says that no kept connection is used: one has failed this request
	// already, and the others may fail in the same way.
	Fresh bool
	// ConnectTimeout bounds connecting to the machine; 0: the pool's.
	ConnectTimeout time.Duration
	// Early is called with each 1xx answer; nil drops them.
	Early func(status int, header http.Header)
}

// Response is a machine's answer. Its body must be closed; a 101 has a Tunnel
// instead, which must be closed too.
type Response struct {
	Status int
	Header http.Header
	Length int64 // of the body; -1: unknown
	Body   io.ReadCloser
	// Tunnel is the connection after a 101; nil for any other answer.
	Tunnel *Tunnel
	// Connect is how long opening the connection took; 0 if a kept one was used.
	Connect time.Duration
	// Trailer is what came after the body; nil until the body was read to its end.
	Trailer http.Header
}

// Error is an exchange that brought no whole head of an answer.
type Error struct {
	Op       string // "connect", "send" or "answer"
	Addr     string
	Sent     bool // a byte of the request was written
	Answered bool // a byte of an answer came
	Reused   bool // the connection had served before: the machine may only have closed it while idle
	Err      error
}

// Error returns one line.
func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Do sends the request to the machine at addr and returns the head of its
// answer. When ctx ends, so does the exchange, also while the answer's body is
// being read. The error is an [*Error].
func (p *Pool) Do(ctx context.Context, addr string, req *Request) (*Response, error) {
	begun := time.Now()
	c, err := p.get(ctx, addr, req)
	if err != nil {
		return nil, &Error{Op: "connect", Addr: addr, Err: err}
	}
	var connect time.Duration
	if !c.reused {
		connect = time.Since(begun)
	}
	x := &exchange{pool: p, conn: c, req: req}
	x.unhook = context.AfterFunc(ctx, func() { c.Close() })
	resp, err := x.run()
	if err != nil {
		x.drop()
		var fail *Error
		if errors.As(err, &fail) {
			fail.Addr, fail.Sent, fail.Answered, fail.Reused = addr, c.written.Load() > 0, c.read > 0, c.reused
			if ctx.Err() != nil {
				fail.Err = context.Cause(ctx)
			}
		}
		return nil, err
	}
	resp.Connect = connect
	return resp, nil
}

// exchange is one request and its answer on one connection.
type exchange struct {
	pool   *Pool
	conn   *conn
	req    *Request
	unhook func() bool   // stops watching the context
	sent   chan struct{} // closed when the body's sender has ended; nil: no body
	whole  bool          // the body was sent to its end; read after sent is closed
}

func (x *exchange) run() (*Response, error) {
	x.conn.begin()
	if err := x.conn.writeHead(x.req); err != nil {
		return nil, &Error{Op: "send", Err: err}
	}
	if x.req.Body != nil {
		x.sent = make(chan struct{})
		go x.sendBody()
	}
	answer, err := x.readHead()
	if err != nil {
		if cause := x.req.Body.failure(); cause != nil {
			err = cause // the body broke, and took this exchange with it
		}
		return nil, &Error{Op: "answer", Err: err}
	}
	resp := &Response{Status: answer.StatusCode, Header: answer.Header, Length: answer.ContentLength}
	resp.Body = &answerBody{exchange: x, answer: answer, resp: resp}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		x.unhook() // net/http ends a request's context when its client has said all
		resp.Tunnel = &Tunnel{exchange: x}
	}
	return resp, nil
}

// sendBody copies the body to the machine. A machine that stops reading is no
// error here: its answer is still to be had. A body that cannot be read to its
// end is one: the machine must neither take half of it for a whole one, nor wait
// for the rest for ever.
func (x *exchange) sendBody() {
	defer close(x.sent)
	err := x.conn.writeBody(x.req.Body, x.req.Length)
	x.whole = err == nil
	if x.req.Body.failure() != nil {
		x.conn.Close()
	}
}

// readHead reads answers until one is final. All of them together may be as long
// as one head: a machine could say 103 for ever.
func (x *exchange) readHead() (*http.Response, error) {
	x.conn.headLeft = maxHead
	defer func() { x.conn.headLeft = math.MaxInt64 }()
	for {
		answer, err := x.conn.readHead(x.req.Method)
		switch {
		case err != nil:
			return nil, err
		case answer.StatusCode < 100:
			return nil, fmt.Errorf("the machine answered with status %03d", answer.StatusCode)
		case answer.StatusCode == http.StatusSwitchingProtocols:
			answer.Close = true // what follows is no HTTP
			return answer, nil
		case answer.StatusCode >= 200:
			return answer, nil
		}
		if x.req.Early != nil && answer.StatusCode != http.StatusContinue {
			x.req.Early(answer.StatusCode, answer.Header)
		}
	}
}

// drop ends the exchange and its connection.
func (x *exchange) drop() {
	x.unhook()
	x.req.Body.end()
	x.conn.Close()
}

// keep ends the exchange and hands the connection back, if both sides are done
// with it.
func (x *exchange) keep(answer *http.Response) {
	// Bytes beyond the answer's end would be taken for the next one's beginning.
	reusable := !answer.Close && x.conn.br.Buffered() == 0 && x.sentWhole()
	if !reusable || !x.unhook() {
		x.drop()
		return
	}
	x.pool.put(x.conn)
}

// settling is how long the end of an answer may be held up for the sender of a
// body that the client has sent to its end. Nearly always it has written all and
// is only about to say so; else the machine does not read, and will not.
const settling = 2 * time.Millisecond

// sentWhole reports whether the machine was sent the whole request.
func (x *exchange) sentWhole() bool {
	if x.sent == nil {
		return true
	}
	select {
	case <-x.sent:
		return x.whole
	default:
	}
	if !x.req.Body.body.Whole() {
		return false // answered early
	}
	select {
	case <-x.sent:
		return x.whole
	case <-time.After(settling):
		return false
	}
}

// answerBody is a machine's answer as the caller reads it. Reading to the end
// hands the connection back; closing before the end closes the connection.
type answerBody struct {
	exchange *exchange
	answer   *http.Response
	resp     *Response // as the caller has it
	ended    bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.answer.Body.Read(p)
	if err == io.EOF {
		b.ended = true
		b.resp.Trailer = b.answer.Trailer
		b.exchange.keep(b.answer)
	}
	return n, err
}

func (b *answerBody) Close() error {
	if b.ended {
		return nil
	}
	b.ended = true
	if b.answer.Body == http.NoBody {
		b.exchange.keep(b.answer)
		return nil
	}
	b.exchange.drop()
	return nil
}
