package edge

import (
	"net/http"
	"strings"

	"homing/wire"
)

// answerHeader returns what the client is sent of a machine's header, as the app's
// options want it. It is valid until the next is made.
func (t *trip) answerHeader(header wire.Header) wire.Header {
	t.answer = t.appendEarly(t.answer[:0], header)
	for _, change := range t.app.Options.Answer {
		setIn(&t.answer, change.Name, change.Values)
	}
	return t.answer
}

// appendEarly appends the header of a 1xx answer, which is only a hint: the options are
// for the answer that it announces.
func (t *trip) appendEarly(to, header wire.Header) wire.Header {
	h := appendOutward(to, header)
	if !t.app.Options.Pristine {
		h.Set("Fly-Request-Id", t.rec.ID)
		h.Set("Server", serverName)
		h.Add("Via", via(t.http2))
	}
	return h
}

// ofContent are the headers that speak of an app's content or of keeping it, and
// would be wrong on an error of ours.
var ofContent = wire.NewNames(
	"Accept-Ranges", "Age", "Cdn-Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Location", "Content-Range", "Etag", "Expires", "Last-Modified", "Location", "Set-Cookie",
	"Surrogate-Control", "Vary",
)

// dress adds what the app's options add to its answers to an error of ours: a page
// of the app's must be able to read it (CORS), and its host is held to HTTPS by it,
// too. What the error says itself stays.
func (t *trip) dress(h *wire.Header) {
	for _, add := range t.app.Options.Answer {
		if !h.Has(add.Name) && len(add.Values) > 0 && !ofContent.Has(add.Name) {
			setIn(h, add.Name, add.Values)
		}
	}
}

// wantsHTTPS reports whether the request must come again over TLS.
func (t *trip) wantsHTTPS() bool {
	return t.app.Options.ForceHTTPS && !t.in.tls && !t.edge.cfg.NoTLS
}

// toHTTPS redirects the client to the same target over TLS, on its usual port: the
// one that the client came to speaks none.
func (t *trip) toHTTPS() *Problem {
	host, target := withoutPort(t.in.host), t.in.target
	if host == "" || strings.ContainsAny(host, `/\?#@ `) {
		return problem(BadRequest, "the app is served over HTTPS only, and the request names no host to go to")
	}
	if !strings.HasPrefix(target, "/") {
		target = "/" // of OPTIONS *
	}
	status := http.StatusPermanentRedirect // keeps the method
	if t.in.method == http.MethodGet || t.in.method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	header := wire.Header{
		{Name: "Location", Value: "https://" + host + target}, {Name: "Fly-Request-Id", Value: t.rec.ID}, {Name: "Server", Value: serverName},
	}
	if err := t.out.begin(status, header, 0); err != nil {
		return problem(BadRequest, "the request's target cannot be redirected to")
	}
	t.rec.Status = status
	return nil
}

// withoutPort returns a Host header as it stands in a URL without its port.
func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// runsOnce reports whether the request must not be repeated by us. PUT and DELETE
// are idempotent by name only: an app may well count them. One with a key may be,
// where the app says that it knows keys again.
func (t *trip) runsOnce() bool {
	switch t.in.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	keys := t.in.header.Count("Idempotency-Key")
	return !t.app.Options.Idempotent || keys != 1 || t.in.header.Get("Idempotency-Key") == ""
}
