package edge

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"homing/forward"
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

// ServeHTTP accepts a request from net/http's server, for those who mount the
// edge in one of their own. [Edge.Server] reads more strictly.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := &inbound{
		ctx: r.Context(), method: r.Method, target: originForm(r), path: r.URL.EscapedPath(), host: r.Host,
		header: r.Header, client: hostOf(r.RemoteAddr), tls: r.TLS != nil, upgrade: upgradeOf(r),
	}
	in.motion.since = time.Now()
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		in.local, in.port, _ = net.SplitHostPort(a.String())
	}
	if r.Body != nil && r.Body != http.NoBody {
		rc := http.NewResponseController(w)
		// The app may answer while the client is still sending.
		_ = rc.EnableFullDuplex() // fails where it is not needed: HTTP/2, tests
		interrupt := func() { _ = rc.SetReadDeadline(time.Now().Add(lastRead)) }
		in.length, in.expect = r.ContentLength, r.Header.Get("Expect") != ""
		in.body = forward.NewBody(in.motion.body(r.Body), in.length, e.cfg.BodyLimit, e.budget, interrupt)
		defer leave(in.body, rc)
	}
	sink := &httpSink{w: w, header: w.Header(), http10: !r.ProtoAtLeast(1, 1), body: in.body}
	if cut := e.serve(in, sink); cut {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	if in.body != nil && !in.body.Whole() {
		sink.flush() // what follows may take a moment
	}
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
func leave(body *forward.Body, rc *http.ResponseController) {
	body.Close()
	if !body.Whole() {
		_ = rc.SetReadDeadline(time.Now().Add(linger)) // fails only where there is nothing to linger on
	}
}

func originForm(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "*" {
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

// httpSink is a sink on net/http's server.
type httpSink struct {
	w      http.ResponseWriter
	header http.Header
	http10 bool          // the client does not know 1xx answers
	body   *forward.Body // the request's; nil: none
	begun  atomic.Bool
}

func (s *httpSink) early(status int, header http.Header) {
	if s.http10 {
		return
	}
	for name, values := range header {
		s.header[name] = values
	}
	s.w.WriteHeader(status)
	clear(s.header)
}

func (s *httpSink) begin(status int, header http.Header, length int64) error {
	for name, values := range header {
		s.header[name] = values
	}
	s.begun.Store(true)
	if _, ok := header["Content-Type"]; !ok {
		s.header["Content-Type"] = nil // or net/http would guess one
	}
	if s.body != nil && !s.body.Whole() {
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

// patience does nothing: how long a write may take is the server's to say.
func (s *httpSink) patience(time.Duration) {}

// interrupt leaves an answer alone that has not begun: its connection can still
// carry an error of ours.
func (s *httpSink) interrupt() {
	if s.begun.Load() {
		_ = http.NewResponseController(s.w).SetWriteDeadline(past) // fails only in tests
	}
}

func (s *httpSink) flush() {
	// An error shows at the next write, or does not matter any more.
	_ = http.NewResponseController(s.w).Flush()
}
