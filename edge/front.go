package edge

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
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
	header        http.Header
	body          *forward.Body // nil: none
	length        int64         // of the body; -1: unknown
	expect        bool          // the client waits for a 100 before it sends the body
	client, local string        // addresses without ports
	port          string        // that the client connected to
	tls           bool
	upgrade       string // protocols that the client asks to switch to
	http2         bool   // how the client sent it
	fault         error  // a [*wire.Error]: why it cannot be served; nil: it can
	motion        motion
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
	early(status int, header http.Header)
	// begin sends the head of an answer whose body is that long; -1: unknown. An
	// error says that a head cannot be written so, and another may be.
	begin(status int, header http.Header, length int64) error
	// write sends a part of the body, at once if now is set.
	write(p []byte, now bool) error
	// end sends what comes after a body of unknown length.
	end(trailer http.Header)
	// switchTo answers 101 and gives the connection away.
	switchTo(header http.Header) (half, error)
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
	in, rc := inboundOf(r), http.NewResponseController(w)
	sink := &httpSink{w: w, header: w.Header(), http10: !r.ProtoAtLeast(1, 1), http2: in.http2}
	if in.http2 {
		sink.stall = newStall(rc, r.Context())
		defer sink.stall.end()
	}
	if r.Body != nil && r.ContentLength != 0 {
		// The app may answer while the client is still sending.
		_ = rc.EnableFullDuplex() // fails where it is not needed: HTTP/2, tests
		in.length, in.expect = r.ContentLength, r.Header.Get("Expect") != "" && r.ProtoAtLeast(1, 1)
		var body io.Reader = r.Body
		if in.expect {
			body = &firstRead{Reader: r.Body, before: sink.goOn}
		}
		in.body = forward.NewBody(in.motion.body(body), in.length, e.cfg.BodyLimit, e.budget, func() { endRead(in, rc) })
		sink.body = in.body
		defer leave(in, rc)
	}
	if cut := e.serve(in, sink); cut {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	if in.body != nil && !in.body.Whole() && !in.http2 {
		sink.flush() // what follows may take a moment
	}
}

// inboundOf is a request without its body.
func inboundOf(r *http.Request) *inbound {
	in := &inbound{
		ctx: r.Context(), method: r.Method, target: originForm(r), path: r.URL.EscapedPath(), host: r.Host,
		header: r.Header, client: hostOf(r.RemoteAddr), tls: r.TLS != nil, upgrade: upgradeOf(r),
		http2: r.ProtoMajor == 2, fault: fault(r),
	}
	in.motion.since = time.Now()
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		in.local, in.port, _ = net.SplitHostPort(a.String())
	}
	return in
}

// fault says what keeps a request from being passed on, by the rules that HTTP/1.1
// is read by.
func fault(r *http.Request) error {
	head := wire.Request{Method: r.Method, Target: originForm(r), Host: r.Host, Length: r.ContentLength, Minor: 1}
	if r.ProtoMajor == 1 {
		head.Minor = r.ProtoMinor
	}
	for name, values := range r.Header {
		for _, v := range values {
			head.Header.Add(name, v)
		}
	}
	if len(head.Header) > maxFields {
		return &wire.Error{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: "the head has too many fields"}
	}
	return head.Check()
}

// A client that is still sending when its answer has gone out would lose the
// answer if the connection were closed over what it sends: the kernel then
// answers with a reset, which overtakes. So a read that is under way may end by
// itself within lastRead (cut short, it would leave a chunked body unreadable),
// and net/http's server goes on to read and drop up to 256 KiB within linger.
const (
	lastRead = 50 * time.Millisecond
	linger   = 500 * time.Millisecond
)

// leave ends the reading of a client's body.
func leave(in *inbound, rc *http.ResponseController) {
	in.body.Close()
	if !in.body.Whole() && !in.http2 {
		_ = rc.SetReadDeadline(time.Now().Add(linger)) // fails only where there is nothing to linger on
	}
}

// endRead ends a read of a client's body that is under way. In HTTP/2 nothing but
// that body ends with it.
func endRead(in *inbound, rc *http.ResponseController) {
	when := past
	if !in.http2 {
		when = time.Now().Add(lastRead)
	}
	_ = rc.SetReadDeadline(when) // fails only where a read does not wait: in tests
}

func originForm(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "*" || r.ProtoMajor == 2 {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// firstRead is a body that a client sends only when it is asked to.
type firstRead struct {
	io.Reader
	before func() // asks; nil: it was called
}

func (f *firstRead) Read(p []byte) (int, error) {
	if f.before != nil {
		f.before()
		f.before = nil
	}
	return f.Reader.Read(p)
}

// httpSink is a sink on net/http's server. But for goOn and interrupt it is used by
// one goroutine.
type httpSink struct {
	w      http.ResponseWriter
	header http.Header
	http10 bool // the client does not know 1xx answers
	http2  bool
	body   *forward.Body // the request's; nil: none
	begun  atomic.Bool
	stall  *stall // nil: the server's own limits hold

	mu sync.Mutex // held while a head is written
}

// goOn tells a client that waits for it to send its body. Left to net/http, the 100
// could get into the middle of another 1xx answer.
func (s *httpSink) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun.Load() {
		s.w.WriteHeader(http.StatusContinue)
	}
}

func (s *httpSink) early(status int, header http.Header) {
	if s.http10 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, values := range header {
		s.header[name] = values
	}
	s.w.WriteHeader(status)
	clear(s.header)
}

func (s *httpSink) begin(status int, header http.Header, length int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, values := range header {
		s.header[name] = values
	}
	s.begun.Store(true)
	if _, ok := header["Content-Type"]; !ok {
		s.header["Content-Type"] = nil // or net/http would guess one
	}
	if s.body != nil && !s.body.Whole() && !s.http2 {
		// What is left of it must not be read as the client's next request, which
		// in full duplex net/http would do.
		s.header["Connection"] = []string{"close"}
	}
	s.w.WriteHeader(status)
	if length < 0 {
		s.flush()
	}
	return nil
}

func (s *httpSink) write(p []byte, now bool) error {
	s.stall.begin()
	defer s.stall.pause()
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err == nil && now {
		s.flush()
	}
	return err
}

func (s *httpSink) end(trailer http.Header) {
	for name, values := range trailer {
		s.header[http.TrailerPrefix+name] = values
	}
}

// patience is for HTTP/2 alone: else how long a write may take is the server's to say.
func (s *httpSink) patience(d time.Duration) {
	if s.stall != nil {
		s.stall.limit = d
	}
}

// interrupt leaves an answer alone that has not begun: its connection can still
// carry an error of ours.
func (s *httpSink) interrupt() {
	if s.begun.Load() {
		_ = http.NewResponseController(s.w).SetWriteDeadline(past) // fails only in tests
	}
}

func (s *httpSink) flush() {
	s.stall.begin()
	defer s.stall.pause()
	// An error shows at the next write, or does not matter any more.
	_ = http.NewResponseController(s.w).Flush()
}
