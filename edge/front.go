package edge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"homing/forward"
	"homing/wire"
)

// inbound is a request as it came from the client. It is not changed; what a
// machine is sent is made from it.
type inbound struct {
	ctx           context.Context // ends when the client has gone
	method        string
	target        string // as it stands in the request line, in origin form
	path          string // for the record
	host          string
	header        wire.Header
	body          *forward.Body // nil: none
	length        int64         // of the body; -1: unknown
	expect        bool          // the client waits for a 100 before it sends the body
	client, local string        // addresses without ports
	port          string        // that the client connected to
	ends          string        // client and local, as X-Forwarded-For has them
	tls           bool
	upgrade       string      // protocols that the client asks to switch to
	http2         bool        // how the client sent it
	fault         *wire.Error // why it cannot be served; nil: it can
	motion        *motion
	moved         func() // notes that something has
}

// holdsBack reports whether the machine is only told of the body until it asks for
// it: one that could not be sent again to where a replay goes, and one that the
// client itself holds back (RFC 9110 §10.1.1: an expectation is for the origin).
func (in *inbound) holdsBack() bool {
	return in.body != nil && in.body.Unread() && (in.expect || !in.body.Fits())
}

// sink takes the answer for the client.
type sink interface {
	// early passes a 1xx answer on.
	early(status int, header wire.Header)
	// begin sends the head of an answer whose body is that long; -1: unknown. An
	// error says that a head cannot be written so, and another may be.
	begin(status int, header wire.Header, length int64) error
	// write sends a part of the body, at once if now is set.
	write(p []byte, now bool) error
	// end sends what comes after a body of unknown length.
	end(trailer wire.Header)
	// switchTo answers 101 and gives the connection away.
	switchTo(header wire.Header) (forward.End, error)
	// patience says how long the client may take nothing, where the app has a wish.
	// It is called before the rest.
	patience(time.Duration)
	// interrupt ends a write of an answer that is under way; it is given up. It
	// may be called while others are.
	interrupt()
}

// ServeHTTP accepts a request from net/http's server: HTTP/2 from [Edge.Server]'s,
// and either version from that of somebody who mounts the edge in one. The latter
// reads HTTP/1.1 less strictly than [Server] does; what it makes of a request must
// still be one that machines cannot read in two ways.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, sink := inboundOf(r), &httpSink{Answer: forward.NewAnswer(w, r)}
	if in.http2 {
		sink.stall = newStall(http.NewResponseController(w), r.Context())
		defer sink.stall.end()
	}
	if r.Body != nil && r.ContentLength != 0 {
		in.length, in.expect = r.ContentLength, forward.Expects(r)
		var body io.Reader = r.Body
		if in.expect {
			body = &forward.FirstRead{Reader: r.Body, Before: sink.GoOn}
		}
		in.body = forward.NewBody(in.motion.body(body), in.length, e.cfg.BodyLimit, e.budget, sink.EndRead)
		sink.Takes(in.body)
		defer sink.Leave()
	}
	t := newTrip(e)
	t.begin(in, sink, time.Now())
	defer t.follows(in.ctx)()
	defer t.idle.end()
	if cut := t.serve(); cut {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	if t.pipe != nil {
		t.carry()
		return
	}
	if in.body != nil && !in.body.Whole() && !in.http2 {
		sink.flush() // what follows may take a moment
	}
}

// inboundOf is a request without its body.
func inboundOf(r *http.Request) *inbound {
	in := &inbound{
		ctx: r.Context(), method: r.Method, target: forward.Target(r), path: r.URL.EscapedPath(), host: r.Host,
		header: forward.Fields(r.Header), client: hostOf(r.RemoteAddr), tls: r.TLS != nil, upgrade: forward.Upgrade(r),
		http2: r.ProtoMajor == 2,
	}
	in.fault = in.check(r)
	in.motion = &motion{since: time.Now()}
	in.moved = in.motion.note
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		in.local, in.port, _ = net.SplitHostPort(a.String())
	}
	in.ends = in.client + ", " + in.local
	return in
}

// check says what keeps a request from being passed on, by the rules that HTTP/1.1
// is read by.
func (in *inbound) check(r *http.Request) *wire.Error {
	head := wire.Request{Method: in.method, Target: in.target, Host: in.host, Header: in.header, Length: r.ContentLength, Minor: 1}
	if r.ProtoMajor == 1 {
		head.Minor = r.ProtoMinor
	}
	if len(head.Header) > maxFields {
		return &wire.Error{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: "the head has too many fields"}
	}
	var fault *wire.Error
	if !errors.As(head.Check(), &fault) {
		return nil
	}
	return fault
}

func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// httpSink is a sink on net/http's server.
type httpSink struct {
	*forward.Answer
	stall *stall // nil: the server's own limits hold
}

func (s *httpSink) early(status int, header wire.Header) { s.Early(status, forward.HTTPHeader(header)) }

func (s *httpSink) begin(status int, header wire.Header, length int64) error {
	s.stall.begin()
	defer s.stall.pause()
	h := forward.HTTPHeader(header)
	if length >= 0 && status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	s.Begin(status, h, length)
	return nil
}

func (s *httpSink) write(p []byte, now bool) error {
	s.stall.begin()
	defer s.stall.pause()
	_, err := s.Write(p)
	if err == nil && now {
		s.Flush()
	}
	return err
}

func (s *httpSink) end(trailer wire.Header) { s.End(forward.HTTPHeader(trailer)) }

// patience is for HTTP/2 alone: else how long a write may take is the server's to say.
func (s *httpSink) patience(d time.Duration) {
	if s.stall != nil {
		s.stall.limit = d
	}
}

func (s *httpSink) interrupt() { s.Interrupt() }

func (s *httpSink) switchTo(header wire.Header) (forward.End, error) {
	return s.SwitchTo(forward.HTTPHeader(header))
}

func (s *httpSink) flush() {
	s.stall.begin()
	defer s.stall.pause()
	s.Flush()
}
