package homing

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// heldWriter holds an answer back until its handler is done, so that it can
// still be dropped. It lets go earlier when the answer grows beyond its limit,
// is flushed, or the connection is hijacked. Like any [http.ResponseWriter] it
// is for one goroutine.
type heldWriter struct {
	w     http.ResponseWriter
	limit int
	// release is asked before the head leaves; false keeps holding, for ever:
	// what is still written is thrown away.
	release func(h http.Header, whole bool) bool

	before    http.Header // as it was when the handler began
	status    int
	buf       []byte
	committed bool // the head has left
	dropped   bool // release said no
}

var heldBuffers = sync.Pool{New: func() any { return new([]byte) }}

func newHeldWriter(w http.ResponseWriter, limit int, release func(http.Header, bool) bool) *heldWriter {
	return &heldWriter{
		w: w, limit: limit, release: release, before: w.Header().Clone(),
		buf: (*heldBuffers.Get().(*[]byte))[:0],
	}
}

// done gives the buffer back. Nothing may be written after it.
func (h *heldWriter) done() {
	buf := h.buf[:0]
	h.buf = nil
	if cap(buf) <= 2*defaultHold {
		heldBuffers.Put(&buf) // not &h.buf: this writer may be looked at once more
	}
}

// Header returns the answer's header.
func (h *heldWriter) Header() http.Header { return h.w.Header() }

// restore takes back what the handler did to the header, for another answer.
func (h *heldWriter) restore() {
	header := h.w.Header()
	clear(header)
	maps.Copy(header, h.before)
}

// WriteHeader notes the status; 1xx answers go through at once.
func (h *heldWriter) WriteHeader(status int) {
	switch {
	case h.committed, h.dropped:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		h.w.WriteHeader(status)
	case h.status == 0:
		h.status = status
	}
}

// Write holds p, or passes it on once the head has left.
func (h *heldWriter) Write(p []byte) (int, error) {
	if h.status == 0 {
		h.status = http.StatusOK
	}
	if !h.committed && !h.dropped && len(h.buf)+len(p) > h.limit {
		if err := h.commit(false); err != nil {
			return 0, err
		}
	}
	switch {
	case h.dropped:
		return len(p), nil
	case h.committed:
		return h.w.Write(p)
	}
	h.buf = append(h.buf, p...)
	return len(p), nil
}

// commit lets the head go, and what was held.
func (h *heldWriter) commit(whole bool) error {
	if h.committed || h.dropped {
		return nil
	}
	if h.status == 0 {
		h.status = http.StatusOK
	}
	if !h.release(h.Header(), whole) {
		h.dropped = true
		return nil
	}
	h.committed = true
	h.w.WriteHeader(h.status)
	if len(h.buf) == 0 {
		return nil
	}
	_, err := h.w.Write(h.buf)
	h.buf = h.buf[:0]
	return err
}

// finish lets everything go when the handler has returned.
func (h *heldWriter) finish() {
	if h.committed || h.dropped {
		return
	}
	if header := h.Header(); len(h.buf) > 0 && header["Content-Length"] == nil && header["Transfer-Encoding"] == nil && header["Trailer"] == nil {
		header.Set("Content-Length", strconv.Itoa(len(h.buf)))
	}
	_ = h.commit(true) // a client that has gone needs no answer
}

// Flush is FlushError for those who look for [http.Flusher].
func (h *heldWriter) Flush() { _ = h.FlushError() }

// FlushError lets go and flushes.
func (h *heldWriter) FlushError() error {
	if err := h.commit(false); err != nil || h.dropped {
		return err
	}
	return http.NewResponseController(h.w).Flush()
}

// Hijack gives the connection to the handler. Nothing can go home after that.
func (h *heldWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.w).Hijack()
	if err == nil {
		h.committed = true
	}
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] set deadlines and the like.
func (h *heldWriter) Unwrap() http.ResponseWriter { return h.w }
