package forward

import (
	"context"
	"io"
	"net/http"
	"time"

	"homing/wire"
)

// exchange is one request and its answer on one connection.
type exchange struct {
	pool   *Pool
	conn   *conn
	req    *Request
	leash  *Leash        // the context, if it is one
	unhook func() bool   // else stops watching it
	sent   chan struct{} // closed when the body's sender has ended; nil: no body
	whole  bool          // the body was sent to its end; read after sent is closed

	announced *announcement // nil: the body is sent at once
}

// run sends what is in buf, and the body, which may go there too, and reads the head of
// the answer. A body that is small and at hand takes no goroutine: no machine can keep
// it from being written.
func (x *exchange) run(buf *[]byte) (*Response, error) {
	x.conn.read, x.conn.written, x.conn.moved = 0, 0, x.req.Moved
	joined := x.req.Body != nil && x.announced == nil && x.req.Body.isAtHand()
	if joined {
		var err error
		if *buf, err = x.req.Body.appendTo(*buf); err != nil {
			return nil, &Error{Op: "send", Err: err}
		}
	}
	if err := x.conn.writeHead(*buf); err != nil {
		return nil, &Error{Op: "send", Err: err}
	}
	if x.req.Body != nil && !joined {
		x.sent = make(chan struct{})
		x.req.Body.lend()
		go x.sendBody()
	}
	x.conn.yield.Before()
	answer, err := x.conn.readHead(x.req.Method, x)
	if err != nil {
		if cause := x.req.Body.failure(); cause != nil {
			err = cause // the body broke, and took this exchange with it
		}
		return nil, &Error{Op: "answer", Err: err}
	}
	return x.response(answer), nil
}

// response makes of the head of an answer what the caller gets.
func (x *exchange) response(answer *wire.Response) *Response {
	x.announced.answer()
	x.conn.mayIdle = mayIdle(answer.Header)
	resp := x.req.room()
	resp.Status, resp.Length, resp.announced = answer.Status, max(answer.Length, -1), x.announced
	resp.Header = append(resp.Header, answer.Header...) // the connection may have the next by the time it is read
	if x.req.Method != http.MethodHead && x.conn.r.Body().Done() {
		resp.Length = 0 // a 304 tells that of the body it does not have
	}
	resp.body = answerBody{exchange: x, closes: answer.Close, resp: resp}
	resp.Body = &resp.body
	if answer.Status == http.StatusSwitchingProtocols {
		x.untie() // net/http ends a request's context when its client has said all
		resp.Tunnel = &Tunnel{exchange: x, ahead: x.conn.r.Rest()}
	}
	return resp
}

// early takes a 1xx answer. A 100 is for us alone: the client is asked for its
// body by whoever reads it.
func (x *exchange) early(status int, header wire.Header) {
	switch {
	case status == http.StatusContinue:
		x.announced.settle(true)
	case x.req.Early != nil:
		x.req.Early(status, header)
	}
}

// sendBody copies the body to the machine. A machine that stops reading is no
// error here: its answer is still to be had. A body that cannot be read to its
// end is one: the machine must neither take half of it for a whole one, nor wait
// for the rest for ever.
func (x *exchange) sendBody() {
	defer close(x.sent)
	defer x.req.Body.giveBack()
	if !x.announced.await(x.pool.cfg.ContinueWait) {
		return
	}
	err := x.conn.writeBody(x.req.Body, x.req.Length)
	x.whole = err == nil
	if x.req.Body.failure() != nil {
		x.conn.Close()
	}
}

// tie has the connection closed when ctx ends.
func (x *exchange) tie(ctx context.Context) {
	if l, ok := ctx.(*Leash); ok {
		x.leash = l
		l.Tie(x.conn)
		return
	}
	c := x.conn
	x.unhook = context.AfterFunc(ctx, func() { c.Close() })
}

// untie lets go of the context. It returns false if that has ended: then the connection
// is closed, or about to be.
func (x *exchange) untie() bool {
	if x.leash != nil {
		return x.leash.Untie()
	}
	return x.unhook()
}

// drop ends the exchange and its connection.
func (x *exchange) drop() {
	x.untie()
	x.announced.settle(false)
	x.req.Body.end()
	x.conn.Close()
}

// keep ends the exchange and hands the connection back, if both sides are done
// with it. closes says that the machine is, whatever comes.
func (x *exchange) keep(closes bool) {
	// Bytes beyond the answer's end would be taken for the next one's beginning.
	reusable := !closes && x.conn.r.Body().Done() && x.conn.r.Buffered() == 0 && x.sentWhole()
	if !reusable || !x.untie() {
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
	closes   bool      // the answer is the connection's last
	resp     *Response // as the caller has it
	ended    bool      // the connection may serve another by now
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.exchange.conn.r.Body().Read(p)
	if err == io.EOF {
		b.end()
	}
	return n, err
}

// end is done with an answer that was read to its end.
func (b *answerBody) end() {
	b.ended = true
	if trailer := b.exchange.conn.r.Body().Trailer(); len(trailer) > 0 {
		b.resp.Trailer = trailer
	}
	b.exchange.keep(b.closes)
}

func (b *answerBody) Close() error {
	if b.ended {
		return nil
	}
	if b.exchange.conn.r.Body().Done() {
		b.end()
		return nil
	}
	b.ended = true
	b.exchange.drop()
	return nil
}
