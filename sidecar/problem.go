package sidecar

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"homing/forward"
	"homing/replay"
	"homing/trail"
)

// problem is why the app did not answer a request.
type problem struct {
	status  int
	text    string // one line, safe to show
	unknown bool   // nobody knows whether the request was carried out
	silent  bool   // the app said nothing, or is not there
}

// problemOf says what came of a request that was not answered.
func (t *trip) problemOf(err error) *problem {
	var fail *forward.Error
	sent := errors.As(err, &fail) && fail.Sent && !fail.Unprocessed
	switch {
	case errors.Is(err, forward.ErrBroken):
		return &problem{status: http.StatusBadRequest, text: "The request's body could not be read to its end."}
	case errors.Is(err, forward.ErrUnwritable):
		return &problem{status: http.StatusBadRequest, text: "The request cannot be handed to the app as it is."}
	}
	if t.in.Context().Err() == nil {
		t.app.cfg.Logger.Warn("homing: the app did not answer a request", "app", t.app.cfg.Addr, "method", t.in.Method, "err", err)
	}
	if !sent {
		return &problem{status: http.StatusServiceUnavailable, text: "The app takes no connections here. Nothing was sent to it.", silent: true}
	}
	p := &problem{status: http.StatusBadGateway, text: "The exchange with the app broke off.", silent: !fail.Answered}
	if t.runsOnce() {
		p.unknown = true
		p.text = "The exchange with the app broke off; the request may have been carried out, and was not sent again."
	}
	return p
}

// fail answers with one line.
func (t *trip) fail(p *problem) {
	if t.in.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody is there to be answered
	}
	t.witness(p.status)
	if t.isForAnother(p) {
		panic(http.ErrAbortHandler)
	}
	body := p.text + "\n"
	h := http.Header{
		"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}, "Content-Length": {strconv.Itoa(len(body))},
	}
	if p.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	if p.unknown {
		h.Set(replay.OutcomeHeader, "unknown")
	}
	t.out.Begin(p.status, h, int64(len(body)))
	if t.in.Method != http.MethodHead {
		_, _ = io.WriteString(t.out, body) // a client that has gone needs no answer
	}
}

// isForAnother reports whether another machine may be asked, which the edge does if it
// gets no answer at all. It does not send again what was replayed; and what something was
// seen of at the database may have written, or goes home.
func (t *trip) isForAnother(p *problem) bool {
	return t.app.cfg.Edge && p.silent && !t.runsOnce() &&
		t.in.Header.Get(replay.SourceHeader) == "" && !t.trail.Has(failures|trail.Wrote)
}
