package edge

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"homing/forward"
	"homing/replay"
)

// ours are the request fields that only an edge may set. A client's are removed:
// nothing is believed because of its name.
var ours = []string{
	replay.SourceHeader, replay.FailedHeader, replay.CacheStatusHeader, replay.PreferredGoneHeader,
	replay.PrimaryHeader, replay.RegionHeader, "Fly-Client-Ip", "Fly-Forwarded-Port", "Fly-Request-Id",
}

// isInner reports whether a field of an answer never leaves the edge: what a
// machine says to it alone, and whatever a newer protocol adds to fly-replay.
func isInner(name string) bool {
	return strings.HasPrefix(name, replay.Header) || name == replay.RoleHeader || name == replay.DecisionHeader
}

const serverName = "homing"

// via names us, and the protocol that a message came to us in: HTTP/2 or not
// (RFC 9110 §7.6.3).
var via = map[bool]string{false: "1.1 homing", true: "2.0 homing"}

// requestHeader returns what a machine is sent, as a copy.
func (e *Edge) requestHeader(in *inbound, id string) http.Header {
	h := forward.EndToEnd(in.header)
	for _, name := range ours {
		delete(h, name)
	}
	withoutDoubles(h)
	delete(h, "Host")
	delete(h, "Expect") // met by whoever reads the body, which is us
	proto, ssl := "http", "off"
	if in.tls {
		proto, ssl = "https", "on"
	}
	if in.upgrade != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{in.upgrade}
	}
	h.Set(replay.RegionHeader, string(e.cfg.Region))
	h.Set("Fly-Client-Ip", in.client)
	h.Set("Fly-Forwarded-Port", in.port)
	h.Set("Fly-Request-Id", id)
	h.Set("X-Forwarded-For", strings.Join(append(h["X-Forwarded-For"], in.client, in.local), ", "))
	h.Set("X-Forwarded-Proto", proto)
	h.Set("X-Forwarded-Port", in.port)
	h.Set("X-Forwarded-Ssl", ssl)
	h.Add("Via", via[in.http2])
	if h.Get("Traceparent") == "" {
		h.Set("Traceparent", newTraceparent())
	}
	return h
}

// withoutDoubles removes fields with a "_" that many apps could not tell from one
// of the edge's: CGI, WSGI and Rack make HTTP_FLY_REGION of fly_region too.
func withoutDoubles(h http.Header) {
	for name := range h {
		if !strings.Contains(name, "_") {
			continue
		}
		double := textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
		if slices.Contains(ours, double) || strings.HasPrefix(double, "X-Forwarded-") {
			delete(h, name)
		}
	}
}

// outward copies what may leave the edge of a machine's header or trailer.
func outward(header http.Header) http.Header {
	h := forward.EndToEnd(header)
	for name := range h {
		if isInner(name) {
			delete(h, name)
		}
	}
	return h
}

// newTraceparent starts a trace (W3C Trace Context §3.2): version, trace, parent
// and the flag that says "sampled".
func newTraceparent() string {
	var ids [24]byte
	_, _ = rand.Read(ids[:]) // never fails, see crypto/rand
	return "00-" + hex.EncodeToString(ids[:16]) + "-" + hex.EncodeToString(ids[16:]) + "-01"
}
