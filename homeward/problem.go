package homeward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"homing/forward"
	"homing/replay"
)

// Problem is an error that the client was told about.
type Problem struct {
	// Status is that of the answer: 400 or 413 for what is wrong with the request,
	// 502 or 503 for what is wrong with the way.
	Status int
	// Text is one line, safe to show.
	Text string
	// Unknown says that nobody knows whether the request was carried out.
	Unknown bool
	// Err is what went wrong, for the log; nil if Text says it all. It names
	// addresses, and no secrets.
	Err error
}

func (t *trip) problem(status int, format string, args ...any) *Problem {
	return &Problem{Status: status, Text: fmt.Sprintf(format, args...)}
}

// problemOf says what a failed exchange means to the client: the one place where
// errors become statuses.
func (t *trip) problemOf(err error) *Problem {
	var fail *forward.Error
	sent := errors.As(err, &fail) && fail.Sent
	var p *Problem
	switch {
	case errors.Is(err, forward.ErrBroken):
		p = t.problem(http.StatusBadRequest, "The request's body could not be read to its end.")
	case errors.Is(err, forward.ErrUnwritable):
		p = t.problem(http.StatusBadRequest, "The request cannot be sent to the primary's region as it is.")
	case sent:
		p = t.brokeOff()
	case errors.Is(err, forward.ErrNotKept):
		p = t.problem(http.StatusRequestEntityTooLarge, "The request belongs in region %s, which showed only after its body had been read here, "+
			"and that is larger than what is kept (%d bytes of one, %d of all).", t.errand.To, t.way.cfg.BodyLimit, t.way.cfg.BodyBudget)
	default:
		p = t.problem(http.StatusServiceUnavailable, "The primary's region %s cannot be reached from %s: %s. Nothing was sent.", t.errand.To, t.way.cfg.From, why(err))
	}
	p.Err = err
	return p
}

// brokeOff is an exchange of which a byte has left.
func (t *trip) brokeOff() *Problem {
	const text = "The exchange with the primary's region %s broke off; the request may have been carried out"
	if !t.runsOnce() {
		return t.problem(http.StatusBadGateway, text+".", t.errand.To)
	}
	p := t.problem(http.StatusBadGateway, text+", and was not sent again.", t.errand.To)
	p.Unknown = true
	return p
}

// why says in words why nothing could be sent.
func why(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var ne net.Error
	switch {
	case errors.As(err, &dns):
		return "its host is not known"
	case errors.As(err, &cert):
		return "its certificate is not to be believed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return "it could not be connected to in time"
	}
	return "the connection failed"
}

// fail answers with a problem, unless the client has gone.
func (t *trip) fail(p *Problem) {
	if t.in.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	body := p.Text + "\n"
	h := http.Header{
		"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}, "Content-Length": {strconv.Itoa(len(body))},
	}
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	if p.Unknown {
		h.Set(replay.OutcomeHeader, "unknown")
	}
	t.out.Begin(p.Status, h, int64(len(body)))
	if t.in.Method != http.MethodHead {
		_, _ = io.WriteString(t.out, body) // a client that has gone needs no answer
	}
}
