package sidecar

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"homing/forward"
	"homing/trail"
	"homing/wire"
)

// trip is one request on its way to the app.
type trip struct {
	app   *App
	in    *http.Request
	out   *forward.Answer
	begun time.Time
	trail *trail.Trail // nil: nobody decides about this request
	said  trail.Mark   // by the app, with its answer

	body    *forward.Body // nil: none
	read    atomic.Int64  // bytes of it
	expects bool          // the client holds it back until it is asked
}

func newTrip(a *App, w http.ResponseWriter, r *http.Request) *trip {
	t := &trip{app: a, in: r, out: forward.NewAnswer(w, r), begun: time.Now(), trail: trail.From(r.Context())}
	if r.Body == nil || r.ContentLength == 0 {
		return t
	}
	t.expects = forward.Expects(r)
	first := &forward.FirstRead{Reader: &counted{r.Body, &t.read}}
	if t.expects {
		first.Before = t.out.GoOn
	}
	t.body = forward.NewBody(first, r.ContentLength, 0, a.budget, t.interrupt)
	t.out.Takes(t.body)
	return t
}

// counted counts the bytes of a client's body.
type counted struct {
	io.Reader
	read *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// interrupt ends a read of the client that is under way when the app has answered.
// Where the request goes home it is left alone, since the rest is wanted there: it ends
// when the client has sent more.
func (t *trip) interrupt() {
	if !t.goesHome() {
		t.out.EndRead()
	}
}

// leave is done with the request's body.
func (t *trip) leave() {
	switch {
	case t.body == nil:
	case t.goesHome():
		t.body.Close()
	default:
		t.out.Leave()
	}
}

func (t *trip) run() *problem {
	answer, err := t.ask()
	if err != nil {
		return t.problemOf(err)
	}
	if answer.Tunnel != nil {
		return t.tunnel(answer)
	}
	t.deliver(answer)
	return nil
}

// ask sends the request, and once more on a fresh connection where that cannot carry it
// out twice: an app may close a kept one just when it is used.
func (t *trip) ask() (*forward.Response, error) {
	req := t.request()
	if t.body != nil {
		req.Length, req.Announce = t.in.ContentLength, t.expects
	}
	return t.app.pool.Ask(t.in.Context(), t.app.cfg.Addr, req, t.body, func(fail *forward.Error) bool {
		return fail.Reused && (!fail.Sent || fail.Unprocessed || !t.runsOnce())
	})
}

// runsOnce reports whether the request must not be sent a second time.
func (t *trip) runsOnce() bool {
	return t.in.Method != http.MethodGet && t.in.Method != http.MethodHead
}

func (t *trip) request() *forward.Request {
	return &forward.Request{
		Method: t.in.Method, Target: forward.Target(t.in), Host: t.in.Host, Header: forward.Fields(t.header()), Once: t.runsOnce(),
		HTTP2: t.app.cfg.HTTP2,
		Early: func(status int, header wire.Header) { t.out.Early(status, outward(header)) },
	}
}

// header returns what the app is sent.
func (t *trip) header() http.Header {
	h := forward.EndToEnd(t.in.Header)
	delete(h, "Host")
	delete(h, "Expect") // met by whoever reads the body, which is us
	if protocols := forward.Upgrade(t.in); protocols != "" && !t.app.cfg.HTTP2 {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{protocols}
	}
	if t.app.cfg.HTTP2 && forward.TakesTrailers(t.in.Header["Te"]) {
		h["Te"] = []string{"trailers"} // gRPC insists that they are welcome
	}
	if client, _, err := net.SplitHostPort(t.in.RemoteAddr); err == nil && h["X-Forwarded-For"] == nil {
		h["X-Forwarded-For"] = []string{client}
	}
	return h
}
