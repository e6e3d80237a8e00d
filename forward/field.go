package forward

import (
	"net/http"
	"net/textproto"
	"strings"

	"homing/wire"
)

// hopByHop are the fields that end at each hop (RFC 9110 §7.6.1), and those that
// frame a message: both sides write their own.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length",
}

var ofHop = wire.NewNames(hopByHop...)

// EndToEnd copies a header without the fields that go no further, those that
// Connection names among them, and those that frame the message. The copy of nil is
// an empty header.
func EndToEnd(header http.Header) http.Header {
	h := header.Clone()
	if h == nil {
		h = make(http.Header)
	}
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			delete(h, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
	return h
}

// AppendEndToEnd appends to a header what [EndToEnd] would copy of h.
func AppendEndToEnd(to, h wire.Header) wire.Header {
	nominates := h.Has("Connection")
	for i := range h {
		if !ofHop.Has(h[i].Name) && !(nominates && h.HasToken("Connection", h[i].Name)) {
			to = append(to, h[i])
		}
	}
	return to
}
