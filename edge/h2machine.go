package edge

import (
	"maps"
	"net/http"

	"homing/fleet"
	"homing/forward"
)

// speaksHTTP2 reports whether a machine is spoken to in HTTP/2, as its app says.
func (t *trip) speaksHTTP2(m fleet.Machine) bool {
	app, _ := t.fleet.App(m.App)
	return app.Options.HTTP2
}

// hopHeader is the header for the machine that is asked now. gRPC insists that
// trailers are welcome; in HTTP/1.1 that would be a promise about connections that
// nobody looks at (RFC 9110 §10.1.4).
func (t *trip) hopHeader() http.Header {
	if !t.http2 || !forward.TakesTrailers(t.in.header["Te"]) {
		return t.header
	}
	h := maps.Clone(t.header)
	h["Te"] = []string{"trailers"}
	return h
}
