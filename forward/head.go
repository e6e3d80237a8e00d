package forward

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"homing/wire"
)

// ErrUnwritable: a part of the request's head would not arrive as what it is. No
// machine can be sent it.
var ErrUnwritable = errors.New("the request cannot be written")

// appendHead appends the head of a request to b. The error is
// ErrUnwritable.
func appendHead(b []byte, req *Request) ([]byte, error) {
	head := wire.Request{Method: req.Method, Target: req.Target, Host: req.Host}
	if req.Body != nil {
		head.Length = req.Length
	}
	head.Header = make(wire.Header, 0, len(req.Header)+4) // some names have two values
	for name, values := range req.Header {
		for _, v := range values {
			head.Header.Add(name, v)
		}
	}
	// wire writes these from members, never from fields.
	head.Close = head.Header.HasToken("Connection", "close")
	head.Expect = req.Announce && req.Body != nil
	if head.Header.HasToken("Connection", "upgrade") {
		head.Upgrade = strings.Join(req.Header["Upgrade"], ", ")
	}
	b, err := wire.AppendRequestHead(b, &head)
	if err != nil {
		return b, fmt.Errorf("%w: %w", ErrUnwritable, err)
	}
	return b, nil
}

// canonical returns a header by the names that net/http gives them.
func canonical(h wire.Header) http.Header {
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
