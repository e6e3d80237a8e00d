package forward

import (
	"context"
	"io"
	"net/http"
	"time"
)

// response is the answer as the caller has it. From here on the caller ends the
// exchange, or the context does.
func (x *h2Exchange) response(ctx context.Context, res *http.Response) *Response {
	x.conn.watch.settle(&x.fate)
	x.announced.answer()
	resp := x.req.room()
	resp.Status, resp.Length, resp.announced = res.StatusCode, res.ContentLength, x.announced
	resp.Header = append(resp.Header, Fields(res.Header)...)
	if res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
		// A 304 may tell the length of the body it does not have, which net/http would
		// miss at its end.
		res.Body.Close()
		res.Body, resp.Length = http.NoBody, 0
	}
	b := &h2Body{exchange: x, res: res, resp: resp}
	b.unhook = context.AfterFunc(ctx, func() {
		// net/http does not see that a context ends while it waits for the body.
		x.body.Close()
		res.Body.Close()
	})
	resp.Body = b
	return resp
}

// h2Body is a machine's answer as the caller reads it.
type h2Body struct {
	exchange *h2Exchange
	res      *http.Response
	resp     *Response // as the caller has it
	unhook   func() bool
	ended    bool
}

func (b *h2Body) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.res.Body.Read(p)
	b.exchange.req.note()
	switch ctx := b.res.Request.Context(); {
	case err == io.EOF:
		b.trailer()
		b.settle()
		b.end()
	case err != nil && ctx.Err() != nil:
		err = context.Cause(ctx) // the body was closed because of that
	}
	return n, err
}

func (b *h2Body) trailer() {
	// What was announced, and did not come, has no values.
	if trailer := Fields(b.res.Trailer); len(trailer) > 0 {
		b.resp.Trailer = trailer
	}
}

// settle waits for the sender of a body that the client has sent to its end, which
// nearly always is only about to say so. Else the stream is reset, and some
// machines count resets.
func (b *h2Body) settle() {
	x := b.exchange
	if x.body != nil && x.req.Body.body.Whole() {
		x.isOver(settling)
	}
}

// end is done with the exchange, whatever is left of it.
func (b *h2Body) end() {
	x := b.exchange
	b.ended = true
	b.unhook()
	x.announced.settle(false)
	x.body.Close()
	b.res.Body.Close()
	if x.body != nil && b.resp.Length == 0 && !x.isOver(0) {
		go x.abandon()
		return
	}
	x.pool.done(x.conn)
}

// abandon sees to it that a stream ends whose body the machine does not take. Where
// the answer ended with its head, nothing makes net/http give such a body up but the
// end of the connection.
func (x *h2Exchange) abandon() {
	if !x.isOver(stuckAfter) {
		x.pool.retire(x.conn)
	}
	x.pool.done(x.conn)
}

// stuckAfter is when a body that has ended on our side is taken for one that is
// stuck. Nearly always net/http is only about to notice.
const stuckAfter = 250 * time.Millisecond

// isOver reports whether the sending of the request has ended, or does in time.
func (x *h2Exchange) isOver(within time.Duration) bool {
	select {
	case <-x.sent:
		return true
	default:
	}
	if within == 0 {
		return false
	}
	select {
	case <-x.sent:
		return true
	case <-time.After(within):
		return false
	}
}

func (b *h2Body) Close() error {
	if !b.ended {
		b.end()
	}
	return nil
}
