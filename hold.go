package homing

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// What a handler is told that writes where nobody listens any more. It may log
// them; no client sees them.
var (
	errDropped = errors.New("homing: the answer is dropped, since its request goes home")
	errDone    = errors.New("homing: written after the handler had returned")
)

// heldWriter holds an answer back until its handler is done, so that it can
// still be dropped. It lets go earlier when the answer grows beyond its limit,
// is flushed, or the connection is hijacked. Like any [http.ResponseWriter] it
// is for one goroutine; a handler's goroutine that outlives it gets errors.
type heldWriter struct {
	w     http.ResponseWriter
	limit int
	// release is asked before the head leaves; false drops the answer.
	release func(h http.Header, whole bool) bool
	// drop is called when that happens before the handler is done, to stop it: a
	// stream would go on for ever, and its client get nothing.
	drop func()
	// life is the request's; drop ends it, too.
	life context.Context

	before http.Header // as it was when the handler began
	pooled *[]byte     // where buf came from

	mu        sync.Mutex  // head and buf are another request's once this one is closed
	head      http.Header // nil until a status is noted
	status    int
	buf       []byte
	committed bool // the head has left
	dropped   bool // release said no
	closed    bool // the handler has returned
}

var (
	heldBuffers = sync.Pool{New: func() any { return new([]byte) }}
	heldHeads   = sync.Pool{New: func() any { return http.Header{} }}
)

// mostKept is how many names a head may have whose map is used again: a map does not
// shrink, and clearing it takes as long as it once was.
const mostKept = 64

func newHeldWriter(life context.Context, w http.ResponseWriter, limit int, release func(http.Header, bool) bool, drop func()) *heldWriter {
	pooled := heldBuffers.Get().(*[]byte)
	hw := &heldWriter{w: w, limit: limit, release: release, drop: drop, life: life, pooled: pooled, buf: *pooled}
	if before := w.Header(); len(before) > 0 {
		hw.before = before.Clone()
	}
	return hw
}

// done gives head and buffer back. What is written after it is an error.
func (h *heldWriter) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cap(h.buf) <= defaultHold*2 {
		*h.pooled = h.buf[:0]
		heldBuffers.Put(h.pooled)
	}
	if h.head != nil && len(h.head) <= mostKept {
		clear(h.head)
		heldHeads.Put(h.head)
	}
	h.head, h.buf, h.pooled, h.closed = nil, nil, nil, true
}

// Header returns the answer's header.
func (h *heldWriter) Header() http.Header { return h.w.Header() }

// hasLeft reports whether the head has left.
func (h *heldWriter) hasLeft() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.committed
}

// restore takes back what the handler did to the header, for another answer.
func (h *heldWriter) restore() { replace(h.w.Header(), h.before) }

func replace(header, with http.Header) {
	clear(header)
	maps.Copy(header, with)
}

// WriteHeader notes the status; 1xx answers go through at once.
func (h *heldWriter) WriteHeader(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.committed, h.dropped, h.closed:
	case status < 100, status > 999:
		h.w.WriteHeader(status) // panics, and better here than later
	case status < 200 && status != http.StatusSwitchingProtocols:
		h.w.WriteHeader(status)
	default:
		h.note(status)
	}
}

// note takes down the head the first time. As without us, the handler can change
// only trailers after that.
func (h *heldWriter) note(status int) {
	if h.status == 0 {
		h.status, h.head = status, heldHeads.Get().(http.Header)
		maps.Copy(h.head, h.w.Header())
	}
}

// Write holds p, or passes it on once the head has left.
func (h *heldWriter) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, errDone
	}
	h.note(http.StatusOK)
	if !h.committed && !mayHaveBody(h.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if h.dropped || !h.committed && len(h.buf)+len(p) > h.limit {
		if err := h.commit(false); err != nil {
			return 0, err
		}
	}
	if h.committed {
		return h.w.Write(p)
	}
	h.buf = append(h.buf, p...)
	return len(p), nil
}

// mayHaveBody reports whether an answer of this status has a body (RFC 9110 §6.4.1).
func mayHaveBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// commit lets the head go, and what was held.
func (h *heldWriter) commit(whole bool) error {
	switch {
	case h.closed:
		return errDone
	case h.dropped:
		return errDropped
	case h.committed:
		return nil
	}
	h.note(http.StatusOK)
	header := h.w.Header()
	var late http.Header
	if hasTrailers(header) {
		late = maps.Clone(header)
	}
	replace(header, h.head)
	if !h.ask(header, whole) {
		return errDropped
	}
	h.committed = true
	h.w.WriteHeader(h.status)
	maps.Copy(header, late) // for the trailers; the rest has left
	if len(h.buf) == 0 {
		return nil
	}
	_, err := h.w.Write(h.buf)
	h.buf = h.buf[:0]
	return err
}

// ask reports whether the head may leave, and stops the handler if not.
func (h *heldWriter) ask(header http.Header, whole bool) bool {
	if h.release(header, whole) {
		return true
	}
	h.dropped = true
	h.drop()
	return false
}

func hasTrailers(h http.Header) bool {
	if h["Trailer"] != nil {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// finish lets everything go when the handler has returned.
func (h *heldWriter) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.committed || h.dropped {
		return
	}
	h.note(http.StatusOK)
	if len(h.buf) > 0 && h.head["Content-Length"] == nil && h.head["Transfer-Encoding"] == nil && !hasTrailers(h.w.Header()) {
		h.head.Set("Content-Length", strconv.Itoa(len(h.buf)))
	}
	_ = h.commit(true) // a client that has gone needs no answer
}

// Flush is FlushError for those who look for [http.Flusher].
func (h *heldWriter) Flush() { _ = h.FlushError() }

// FlushError lets go and flushes.
func (h *heldWriter) FlushError() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.commit(false); err != nil {
		return err
	}
	return http.NewResponseController(h.w).Flush()
}

// Hijack gives the connection to the handler. Nothing can go home after that, so
// it fails if the request must. A head that was written before, such as 101,
// leaves first.
func (h *heldWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status != 0 || h.closed || h.dropped {
		if err := h.commit(false); err != nil {
			return nil, nil, err
		}
	} else if !h.ask(http.Header{}, false) { // the handler writes a head of its own
		return nil, nil, errDropped
	}
	conn, rw, err := http.NewResponseController(h.w).Hijack()
	if err == nil {
		h.committed = true
	}
	return conn, rw, err
}

// CloseNotify is for those who take it for granted: gin's Context.Stream panics without.
// It tells when the client has gone, and when the answer is dropped.
func (h *heldWriter) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(h.life, func() { gone <- true })
	return gone
}

// Unwrap lets [http.ResponseController] set deadlines and the like.
func (h *heldWriter) Unwrap() http.ResponseWriter { return h.w }
