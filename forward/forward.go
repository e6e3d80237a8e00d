// Package forward carries one exchange with a machine: a request out, an answer
// back, over connections that are kept for the next. In HTTP/1.1 the request is
// written and the answer read in the caller's own goroutine; only a body gets a
// second one, because a machine may answer before it has read everything, and
// waiting for either side alone could then last for ever.
//
// What went wrong is an [*Error], which knows whether a byte of the request left:
// that decides whether the request may be sent somewhere else. A [Body] can be
// read again by a later attempt for as long as it was kept.
//
// HTTP/2 stays with net/http, which is handed connections that this package dials,
// and is asked for one stream at a time: it never sends anything again by itself.
// What it does not tell is read off the frames that pass, such as whether a machine
// refused a request unprocessed. No pings are sent, which gRPC's servers punish: a
// host that vanished is found by the kernel's keep-alive, or by a write that is not
// taken within a minute. Trailers of requests are not passed on, nor is a body any
// more once an answer of 300 or above has begun, as net/http has it.
//
// Package wire reads and writes HTTP/1.1. So an answer that could be read in two
// ways is an error, after which the connection is not used again, and a request that
// would not arrive as what it is, such as one with a line feed in a value, is one
// before anything is sent. Neither error quotes what it refuses but for single bytes.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"homing/wire"
)

// Request is what a machine is sent. It is not changed.
type Request struct {
	Method string
	Target string // path and query as they stand in the request line
	Host   string
	// Header is sent as it is, but for the fields that frame the message, which
	// are left out, and those of the hop: of Connection "close" and "upgrade" are
	// sent, the latter with Upgrade.
	Header wire.Header
	Body   *Attempt // nil: no body
	Length int64    // of the body in bytes; -1: unknown, sent in chunks
	// Announce holds the body back until the machine asks for it (Expect:
	// 100-continue), says nothing for the pool's ContinueWait, or answers that it
	// does not understand (417). A machine that gives any other answer instead has
	// not been sent a byte of it, and nothing was read from the client, until
	// [Response.SendBody] is called.
	Announce bool
	// Once says that the request must not be sent a second time: a kept
	// connection is then used only if it is known to be alive. For others it is
	// enough that nothing is known against it.
	Once bool
	// Fresh says that no kept connection is used: one has failed this request
	// already, and the others may fail in the same way.
	Fresh bool
	// ConnectTimeout bounds connecting to the machine; 0: the pool's.
	ConnectTimeout time.Duration
	// Moved is called when bytes of the exchange have gone or come, from several
	// goroutines; it must be quick. In HTTP/2 half a head is not seen. nil: nobody
	// asks.
	Moved func()
	// Early is called with each 1xx answer; nil drops them.
	Early func(status int, header wire.Header)
	// HTTP2 says that the machine speaks HTTP/2, without TLS and from the first
	// byte. Of TE "trailers" is sent then.
	HTTP2 bool
	// Answer is room for what Do returns; nil: it makes some. What it holds is gone.
	Answer *Response
}

// room returns where the answer goes.
func (r *Request) room() *Response {
	resp := r.Answer
	if resp == nil {
		resp = new(Response)
	}
	*resp = Response{Header: resp.Header[:0]}
	return resp
}

// note tells who asked for it that something has moved.
func (r *Request) note() {
	if r.Moved != nil {
		r.Moved()
	}
}

// Response is a machine's answer. Its body must be closed; a 101 has a Tunnel
// instead, which must be closed too.
type Response struct {
	Status int         // 101, or 200 to 599
	Header wire.Header // with the fields that framed the message
	Length int64       // of the body; -1: unknown
	Body   io.ReadCloser
	// Tunnel is the connection after a 101; nil for any other answer.
	Tunnel *Tunnel
	// Connect is how long opening the connection took; 0 if a kept one was used.
	Connect time.Duration
	// Trailer is what came after the body; nil until the body was read to its end.
	// It stays nil where nothing came.
	Trailer wire.Header

	announced *announcement
	body      answerBody // what Body is in HTTP/1.1
}

// SendBody lets the request's body go if it is still held back. A machine that has
// begun its answer cannot ask for it any more, and may be about to read it; for one
// that ends its answer all the same nothing changes.
func (r *Response) SendBody() { r.announced.settle(true) }

// Error is an exchange that brought no whole head of an answer.
type Error struct {
	Op       string // "connect", "send" or "answer"
	Addr     string
	Sent     bool // a byte of the request was written
	Answered bool // a byte of an answer came
	Reused   bool // the connection had served before: the machine may only have closed it while idle
	// Unprocessed says that the machine refused the request without looking at it
	// (HTTP/2): it can be sent again, to any machine.
	Unprocessed bool
	Err         error
}

// Error returns one line.
func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Do sends the request to the machine at addr and returns the head of its
// answer. When ctx ends, so does the exchange, also while the answer's body is
// being read. The error is an [*Error].
func (p *Pool) Do(ctx context.Context, addr string, req *Request) (*Response, error) {
	head := p.heads.Get().(*[]byte)
	defer p.heads.Put(head)
	var err error
	if *head, err = appendHead((*head)[:0], req); err != nil {
		return nil, &Error{Op: "send", Addr: addr, Err: err}
	}
	if req.HTTP2 {
		return p.doHTTP2(ctx, addr, req)
	}
	c, err := p.get(ctx, addr, req)
	if err != nil {
		return nil, &Error{Op: "connect", Addr: addr, Err: err}
	}
	x := &c.exchange
	*x = exchange{pool: p, conn: c, req: req, announced: announce(req)}
	x.tie(ctx)
	resp, err := x.run(head)
	if err != nil {
		x.drop()
		return nil, c.describe(ctx, err)
	}
	if resp.Status == http.StatusExpectationFailed && x.announced.withheld() {
		x.drop()
		return p.unannounced(ctx, addr, req)
	}
	if !c.reused {
		resp.Connect = c.opening
	}
	return resp, nil
}

// describe says in an error of an exchange how far it had got.
func (c *conn) describe(ctx context.Context, err error) error {
	var fail *Error
	if errors.As(err, &fail) {
		fail.Addr, fail.Sent, fail.Answered, fail.Reused = c.addr, c.written > 0, c.read > 0, c.reused
		if ctx.Err() != nil {
			fail.Err = context.Cause(ctx)
		}
	}
	return err
}

// unannounced sends the body to a machine that does not understand announcements.
// It has refused the request, and run nothing.
func (p *Pool) unannounced(ctx context.Context, addr string, req *Request) (*Response, error) {
	body, err := req.Body.body.Attempt()
	if err != nil {
		return nil, &Error{Op: "send", Addr: addr, Sent: true, Err: err}
	}
	again := *req
	again.Body, again.Announce = body, false
	return p.Do(ctx, addr, &again)
}
