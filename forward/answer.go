package forward

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Answer passes a machine's answer on to a client of net/http's server. But for
// GoOn, EndRead and Interrupt it is used by one goroutine.
type Answer struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	header http.Header
	http10 bool // the client does not know 1xx answers
	http2  bool
	body   *Body // the request's; nil: none
	begun  atomic.Bool

	mu sync.Mutex // held while a head is written
}

// NewAnswer returns the answer to r. Nothing is written yet.
func NewAnswer(w http.ResponseWriter, r *http.Request) *Answer {
	return &Answer{
		w: w, rc: http.NewResponseController(w), header: w.Header(),
		http10: !r.ProtoAtLeast(1, 1), http2: r.ProtoMajor == 2,
	}
}

// Takes says that the request has a body, which the client may still be sending
// when its answer begins. [Answer.Leave] must be called then.
func (a *Answer) Takes(body *Body) {
	a.body = body
	_ = a.rc.EnableFullDuplex() // fails where it is not needed: HTTP/2, tests
}

// Expects reports whether the client sends its body only when it is asked to
// (RFC 9110 §10.1.1).
func Expects(r *http.Request) bool {
	return r.Header.Get("Expect") != "" && r.ProtoAtLeast(1, 1)
}

// FirstRead is a body that a client sends only when it is asked to.
type FirstRead struct {
	io.Reader
	Before func() // asks, once; nil: nobody needs to
}

// Read asks the client first.
func (f *FirstRead) Read(p []byte) (int, error) {
	if f.Before != nil {
		f.Before()
		f.Before = nil
	}
	return f.Reader.Read(p)
}

// GoOn tells a client that waits for it to send its body. Left to net/http, the 100
// could get into the middle of another 1xx answer.
func (a *Answer) GoOn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begun.Load() {
		a.w.WriteHeader(http.StatusContinue)
	}
}

// Early passes a 1xx answer on, without what others have set for the final one.
func (a *Answer) Early(status int, header http.Header) {
	if a.http10 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	final := a.header.Clone()
	clear(a.header)
	for name, values := range header {
		a.header[name] = values
	}
	a.w.WriteHeader(status)
	clear(a.header)
	for name, values := range final {
		a.header[name] = values
	}
}

// Begin sends the head of the final answer. That of one whose length is not known,
// which is -1, leaves at once.
func (a *Answer) Begin(status int, header http.Header, length int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, values := range header {
		a.header[name] = values
	}
	a.begun.Store(true)
	if _, ok := header["Content-Type"]; !ok {
		a.header["Content-Type"] = nil // or net/http would guess one
	}
	if a.body != nil && !a.body.Whole() && !a.http2 {
		// What is left of it must not be read as the client's next request, which
		// in full duplex net/http would do.
		a.header["Connection"] = []string{"close"}
	}
	a.w.WriteHeader(status)
	if length < 0 {
		a.Flush()
	}
}

// Write sends a part of the body, which may be held up until [Answer.Flush].
func (a *Answer) Write(p []byte) (int, error) {
	n, err := a.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

// Flush sends what was held up.
func (a *Answer) Flush() {
	_ = a.rc.Flush() // an error shows at the next write, or does not matter any more
}

// End sends what comes after a body of unknown length.
func (a *Answer) End(trailer http.Header) {
	for name, values := range trailer {
		a.header[http.TrailerPrefix+name] = values
	}
}

var past = time.Unix(1, 0)

// Interrupt ends a write that is under way. It leaves an answer alone that has not
// begun: its connection can still carry an error of ours.
func (a *Answer) Interrupt() {
	if a.begun.Load() {
		_ = a.rc.SetWriteDeadline(past) // fails only in tests
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

// EndRead ends a read of the client's body that is under way. In HTTP/2 nothing but
// that body ends with it.
func (a *Answer) EndRead() {
	when := past
	if !a.http2 {
		when = time.Now().Add(lastRead)
	}
	_ = a.rc.SetReadDeadline(when) // fails only where a read does not wait: in tests
}

// Leave ends the reading of the client's body, if there is one, when the answer has
// ended.
func (a *Answer) Leave() {
	if a.body == nil {
		return
	}
	a.body.Close()
	if !a.body.Whole() && !a.http2 {
		_ = a.rc.SetReadDeadline(time.Now().Add(linger)) // fails only where there is nothing to linger on
	}
}

// SwitchTo answers 101 and takes the connection from net/http's server.
func (a *Answer) SwitchTo(header http.Header) (End, error) {
	conn, rw, err := a.rc.Hijack()
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{}) // an error shows at the next write
	fmt.Fprintf(rw, "HTTP/1.1 %d %s\r\n", http.StatusSwitchingProtocols, http.StatusText(http.StatusSwitchingProtocols))
	_ = header.Write(rw)
	fmt.Fprint(rw, "\r\n")
	_ = rw.Flush() // a client that has gone ends the tunnel as soon as it is read
	return NewEnd(conn, rw.Reader), nil
}
