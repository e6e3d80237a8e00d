package homing

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"math"
	"net"
	"net/http"
	"strconv"
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
	w      http.ResponseWriter
	limit  int
	owner  owner
	life   context.Context // the request's; drop ends it, too
	before http.Header     // as it was when the handler began
	lines  lines           // what is added to the head

	mu        sync.Mutex
	answer    *answer // another request's once this one is closed; nil until a status is noted
	status    int
	most      int64 // bytes of body, as the head says
	committed bool  // the head has left
	dropped   bool  // release said no
	closed    bool  // the handler has returned
}

// owner is whose answer is held.
type owner interface {
	// release is asked before the head leaves; false drops the answer.
	release(h http.Header, whole bool) bool
	// drop is called when that happens before the handler is done, to stop it: a
	// stream would go on for ever, and its client get nothing.
	drop()
}

// begin makes a new heldWriter ready.
func (h *heldWriter) begin(life context.Context, w http.ResponseWriter, limit int, o owner) {
	h.life, h.w, h.limit, h.owner = life, w, limit, o
	if before := w.Header(); len(before) > 0 {
		h.before = before.Clone()
	}
}

// done gives back what the answer was held in. What is written after it is an error.
func (h *heldWriter) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answer != nil {
		h.answer.giveBack()
	}
	h.answer, h.closed = nil, true
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
func (h *heldWriter) restore() {
	header := h.w.Header()
	clear(header)
	maps.Copy(header, h.before)
}

// WriteHeader notes the status; 1xx answers before it go through at once.
func (h *heldWriter) WriteHeader(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.status != 0, h.committed, h.dropped, h.closed: // only the first counts
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
		h.status, h.answer = status, takeAnswer()
		h.answer.head.note(h.w.Header())
		h.most = mostBody(h.w.Header())
	}
}

// mostBody returns how many bytes a body may have by its head.
func mostBody(header http.Header) int64 {
	if declared := header["Content-Length"]; len(declared) > 0 {
		if n, err := strconv.ParseInt(declared[0], 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return math.MaxInt64
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
	if !h.committed && int64(len(h.answer.body)+len(p)) > h.most {
		h.most = 0 // as with net/http, nothing comes after what was too much
		return 0, http.ErrContentLength
	}
	if h.dropped || !h.committed && len(h.answer.body)+len(p) > h.limit {
		if err := h.commit(false); err != nil {
			return 0, err
		}
	}
	if h.committed {
		return h.w.Write(p)
	}
	h.answer.body = append(h.answer.body, p...)
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
	late, trailers := h.answer.head.putBack(header)
	if whole && !trailers {
		h.tellLength(header)
	}
	if !h.ask(header, whole) {
		return errDropped
	}
	h.committed = true
	h.w.WriteHeader(h.status)
	maps.Copy(header, late) // for the trailers; the rest has left
	if len(h.answer.body) == 0 {
		return nil
	}
	_, err := h.w.Write(h.answer.body)
	h.answer.body = h.answer.body[:0]
	return err
}

// tellLength says how long the body is, unless the handler did. Only a body that is
// held whole is known to be so long, and only where nobody around us has said that it
// compresses: some who do leave a length that is there as it is.
func (h *heldWriter) tellLength(header http.Header) {
	if n := len(h.answer.body); n > 0 && h.before["Content-Encoding"] == nil && header["Content-Length"] == nil && header["Transfer-Encoding"] == nil {
		var room [20]byte
		h.lines.write(header, "Content-Length", strconv.AppendInt(room[:0], int64(n), 10))
	}
}

// ask reports whether the head may leave, and stops the handler if not.
func (h *heldWriter) ask(header http.Header, whole bool) bool {
	if h.owner.release(header, whole) {
		return true
	}
	h.dropped = true
	h.owner.drop()
	return false
}

// finish lets everything go when the handler has returned.
func (h *heldWriter) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
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
