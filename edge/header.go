package edge

import (
	"strings"

	"homing/forward"
	"homing/replay"
	"homing/wire"
)

// ours are the request fields that only an edge may set. A client's are removed:
// nothing is believed because of its name.
var ours = wire.NewNames(
	replay.SourceHeader, replay.FailedHeader, replay.CacheStatusHeader, replay.PreferredGoneHeader,
	replay.PrimaryHeader, replay.RegionHeader, "Fly-Client-Ip", "Fly-Forwarded-Port", "Fly-Request-Id",
)

// renewed are the fields that are written anew, from what the client said and what is
// known here, or are met by whoever reads the body, which is us.
var renewed = wire.NewNames("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Ssl", "Host", "Expect")

const (
	forwardedPrefix = "X-Forwarded-"
	serverName      = "homing"
)

// via names us, and the protocol that a message came to us in: HTTP/2 or not
// (RFC 9110 §7.6.3).
func via(http2 bool) string {
	if http2 {
		return "2.0 homing"
	}
	return "1.1 homing"
}

// hasPrefix reports whether a field's name begins so.
func hasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && wire.SameName(name[:len(prefix)], prefix)
}

var inner = wire.NewNames(replay.RoleHeader, replay.DecisionHeader)

// isInner reports whether a field of an answer never leaves the edge: what a
// machine says to it alone, and whatever a newer protocol adds to fly-replay.
func isInner(name string) bool {
	return hasPrefix(name, replay.Header) || inner.Has(name)
}

// isDouble reports whether many apps could not tell a field with a "_" from one of the
// edge's: CGI, WSGI and Rack make HTTP_FLY_REGION of fly_region too.
func isDouble(name string) bool {
	if strings.IndexByte(name, '_') < 0 {
		return false
	}
	double := strings.ReplaceAll(name, "_", "-")
	return ours.Has(double) || hasPrefix(double, forwardedPrefix)
}

// dressRequest makes what a machine is sent of what the client has sent.
func (t *trip) dressRequest() {
	in := t.in
	h := forward.AppendEndToEnd(t.header[:0], in.header)
	h.DelFunc(func(f wire.Field) bool { return ours.Has(f.Name) || renewed.Has(f.Name) || isDouble(f.Name) })
	traced := h.Get("Traceparent") != ""
	if !traced {
		h.Del("Traceparent")
	}
	proto, ssl := "http", "off"
	if in.tls {
		proto, ssl = "https", "on"
	}
	if in.upgrade != "" {
		h.Add("Connection", "Upgrade")
		h.Add("Upgrade", in.upgrade)
	}
	h.Add(replay.RegionHeader, string(t.edge.cfg.Region))
	h.Add("Fly-Client-Ip", in.client)
	h.Add("Fly-Forwarded-Port", in.port)
	h.Add("Fly-Request-Id", t.rec.ID)
	h.Add("X-Forwarded-For", t.forwardedFor())
	h.Add("X-Forwarded-Proto", proto)
	h.Add("X-Forwarded-Port", in.port)
	h.Add("X-Forwarded-Ssl", ssl)
	h.Add("Via", via(in.http2))
	if !traced {
		h.Add("Traceparent", t.traceparent)
	}
	t.header = h
}

// forwardedFor adds the client and this edge to those that the client names.
func (t *trip) forwardedFor() string {
	if !t.in.header.Has("X-Forwarded-For") {
		return t.in.ends
	}
	var all strings.Builder
	for before := range t.in.header.Values("X-Forwarded-For") {
		all.WriteString(before)
		all.WriteString(", ")
	}
	return all.String() + t.in.ends
}

// appendOutward appends what may leave the edge of a machine's header or trailer.
func appendOutward(to, h wire.Header) wire.Header {
	to = forward.AppendEndToEnd(to, h)
	to.DelFunc(func(f wire.Field) bool { return isInner(f.Name) })
	return to
}

// setIn makes values the only ones of that name; none removes it.
func setIn(h *wire.Header, name string, values []string) {
	h.Del(name)
	for _, v := range values {
		h.Add(name, v)
	}
}
