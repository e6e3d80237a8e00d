package edge

import (
	"homing/fleet"
	"homing/wire"
)

// speaksHTTP2 reports whether a machine is spoken to in HTTP/2, as its app says.
func (t *trip) speaksHTTP2(m *fleet.Machine) bool {
	app, _ := t.fleet.App(m.App)
	return app.Options.HTTP2
}

// hopHeader is the header for the machine that is asked now. gRPC insists that
// trailers are welcome; in HTTP/1.1 that would be a promise about connections that
// nobody looks at (RFC 9110 §10.1.4).
func (t *trip) hopHeader() wire.Header {
	if !t.http2 || !t.in.header.HasToken("Te", "trailers") {
		return t.header
	}
	h := t.header.Clone()
	h.Set("Te", "trailers")
	return h
}
