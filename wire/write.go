package wire

import (
	"fmt"
	"strconv"
)

// AppendRequestHead appends the head of req to b, as HTTP/1.1 whatever Minor
// says. Of Header it leaves out the fields that the other members tell: Host,
// Content-Length, Transfer-Encoding, also with a "_", Connection, Upgrade and
// Expect. An error, with b as it was, says that a part would not have been read as
// what it is.
func AppendRequestHead(b []byte, req *Request) ([]byte, error) {
	if err := req.check(); err != nil {
		return b, fmt.Errorf("this request cannot be written: %w", err)
	}
	out := append(b, req.Method...)
	out = append(out, ' ')
	out = append(out, req.Target...)
	out = append(out, " HTTP/1.1\r\n"...)
	out = appendField(out, "Host", req.Host)
	switch {
	case req.Length == Chunked:
		out = appendField(out, "Transfer-Encoding", "chunked")
	case req.Length > 0 || hasBody(req.Method):
		out = appendLength(out, req.Length)
	}
	if req.Expect && req.Length != 0 {
		out = appendField(out, "Expect", "100-continue")
	}
	out = appendConnection(out, req.Close, req.Upgrade)
	return appendRest(b, out, req.Header)
}

// hasBody says for which methods an absent body is written as empty, since
// servers wait for a length there (RFC 9110 §8.6).
func hasBody(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// check holds what is written to the rules for what is read.
func (req *Request) check() error {
	if !tchar.all(req.Method) || len(req.Method) > maxMethod || req.Method == "CONNECT" {
		return refuse(400, "its method is none, or CONNECT")
	}
	if req.Host != "" && !validHost(req.Host) {
		return refuse(400, "its host is none")
	}
	if req.Length < Chunked {
		return refuse(400, "its length is none")
	}
	if vchar.bad(req.Upgrade) >= 0 {
		return refuse(400, "its upgrade is none")
	}
	if !uchar.all(req.Target) || req.Target[0] != '/' && req.Target != "*" {
		return refuse(400, "its target is none")
	}
	return (&Request{Method: req.Method}).setTarget(req.Target)
}

// AppendResponseHead appends the head of resp to b, as HTTP/1.1 whatever Minor
// says (RFC 9110 §2.5): for a client that speaks HTTP/1.0 set Close, and do not
// send chunks. Of Header it leaves out what AppendRequestHead does. Length is
// written as it is, but not into a 1xx or 204; with UntilClose set Close, unless
// no body follows. An error, with b as it was, says that a part would not have
// been read as what it is.
func AppendResponseHead(b []byte, resp *Response) ([]byte, error) {
	none := resp.Status < 200 || resp.Status == 204
	switch {
	case resp.Status < 100 || resp.Status > 599:
		return b, fmt.Errorf("an answer with status %d cannot be written", resp.Status)
	case vchar.bad(resp.Reason) >= 0 || vchar.bad(resp.Upgrade) >= 0:
		return b, refuse(502, "the reason phrase or the upgrade of an answer cannot be written")
	case resp.Length < UntilClose || none && (resp.Length == Chunked || resp.Length > 0):
		return b, fmt.Errorf("an answer with status %d and length %d cannot be written", resp.Status, resp.Length)
	}
	out := append(b, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(resp.Status), 10)
	out = append(out, ' ')
	out = append(out, resp.Reason...)
	out = append(out, "\r\n"...)
	switch {
	case none || resp.Length == UntilClose:
	case resp.Length == Chunked:
		out = appendField(out, "Transfer-Encoding", "chunked")
	default:
		out = appendLength(out, resp.Length)
	}
	switch {
	case resp.Status == 101:
		out = appendConnection(out, false, resp.Upgrade)
	case resp.Status == 426:
		out = appendConnection(out, resp.Close, resp.Upgrade)
	case resp.Status >= 200:
		out = appendConnection(out, resp.Close, "")
	}
	return appendRest(b, out, resp.Header)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, "\r\n"...)
}

func appendConnection(b []byte, closes bool, upgrade string) []byte {
	switch {
	case closes && upgrade != "":
		b = appendField(b, "Connection", "close, upgrade")
	case closes:
		b = appendField(b, "Connection", "close")
	case upgrade != "":
		b = appendField(b, "Connection", "upgrade")
	}
	if upgrade != "" {
		b = appendField(b, "Upgrade", upgrade)
	}
	return b
}

// appendRest ends a head with the fields that the members do not tell. whole is
// b and what was appended; on an error b is left.
func appendRest(b, whole []byte, h Header) ([]byte, error) {
	for i := range h {
		f := &h[i]
		if told(f.Name) {
			continue
		}
		if err := f.check(); err != nil {
			return b, err
		}
		whole = appendField(whole, f.Name, f.Value)
	}
	return append(whole, "\r\n"...), nil
}

// told reports whether a field is written from a member.
func told(name string) bool {
	switch len(name) {
	case len("Host"):
		return sameFold(name, "Host")
	case len("Expect"):
		return sameFold(name, "Expect")
	case len("Upgrade"):
		return sameFold(name, "Upgrade")
	case len("Connection"):
		return sameFold(name, "Connection")
	case len("Content-Length"):
		return sameFold(name, "Content-Length") || sameFold(name, "Content_Length")
	case len("Transfer-Encoding"):
		return sameFold(name, "Transfer-Encoding") || sameFold(name, "Transfer_Encoding")
	}
	return false
}

// check refuses what would end the field early, or not be one.
func (f *Field) check() error {
	if !tchar.all(f.Name) {
		return refuse(400, "a field cannot be written: its name is none")
	}
	if i := vchar.bad(f.Value); i >= 0 {
		return refuseByte("a field that is to be written", f.Value[i])
	}
	if sameFold(f.Name, "Trailer") {
		return announced(Header{*f})
	}
	return nil
}
