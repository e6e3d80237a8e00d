package forward

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"homing/wire"
)

// ErrUnwritable: a part of the request's head would not arrive as what it is. No
// machine can be sent it.
var ErrUnwritable = errors.New("the request cannot be written")

// appendHead appends the head of a request to b. The error is
// ErrUnwritable.
func appendHead(b []byte, req *Request) ([]byte, error) {
	head := wire.Request{Method: req.Method, Target: req.Target, Host: req.Host, Header: req.Header}
	if req.Body != nil {
		head.Length = req.Length
	}
	// wire writes these from members, never from fields.
	head.Close = head.Header.HasToken("Connection", "close")
	head.Expect = req.Announce && req.Body != nil
	if head.Header.HasToken("Connection", "upgrade") {
		head.Upgrade = wanted(req.Header)
	}
	b, err := wire.AppendRequestHead(b, &head)
	if err != nil {
		return b, fmt.Errorf("%w: %w", ErrUnwritable, err)
	}
	return b, nil
}

// wanted are the protocols that a request wants to switch to.
func wanted(h wire.Header) string { return strings.Join(slices.Collect(h.Values("Upgrade")), ", ") }

// HTTPHeader returns a header by the names that net/http gives them.
func HTTPHeader(h wire.Header) http.Header {
	out := make(http.Header, len(h))
	values := make([]string, len(h)) // most names have one: one piece of memory for all
	for i := range h {
		name := textproto.CanonicalMIMEHeaderKey(h[i].Name)
		if had := out[name]; had != nil {
			out[name] = append(had, h[i].Value)
			continue
		}
		values[i] = h[i].Value
		out[name] = values[i : i+1 : i+1]
	}
	return out
}

// Fields returns what net/http has read as package wire has it, by name.
func Fields(header http.Header) wire.Header {
	h := make(wire.Header, 0, len(header)+2)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			h.Add(name, value)
		}
	}
	return h
}
