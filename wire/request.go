package wire

import (
	"io"
	"strings"
)

// maxMethod bounds a method; the longest registered one has 17 letters.
const maxMethod = 32

// ReadRequest reads the head of a request. Its body must then be read to the end
// before the next. io.EOF says that the client is done: nothing came, or its last
// request said so. ErrHTTP2Preface and ErrUnread are returned as they are, every
// other error is an [*Error].
func (r *Reader) ReadRequest() (*Request, error) {
	head, err := r.head(r.limits.Head)
	if err != nil {
		return nil, r.broke(err)
	}
	if head == "PRI * HTTP/2.0\r\n\r\n" && !r.begun {
		r.start -= len(head) // it stays where the front will find it
		return nil, r.die(ErrHTTP2Preface)
	}
	r.begun = true
	req := &r.request
	*req = Request{Header: r.room()}
	if err := r.parseRequest(req, head); err != nil {
		return nil, r.die(err)
	}
	r.fields = req.Header
	r.last = req.Close
	r.body.begin(r, req.Length, 400)
	return req, nil
}

// broke remembers an error after which nothing can be read. After a deadline
// something can: what came of the head is still there.
func (r *Reader) broke(err error) error {
	if e, ok := err.(*Error); ok && (e.Err == nil || e.Err == io.ErrUnexpectedEOF) {
		return r.die(err)
	}
	return err
}

func (r *Reader) parseRequest(req *Request, head string) error {
	line, fields, _ := strings.Cut(head, "\r\n")
	target, err := req.parseLine(line)
	if err != nil {
		return err
	}
	if req.Header, err = parseFields(req.Header, fields, r.limits.Fields); err != nil {
		return err
	}
	if err := req.setHost(); err != nil {
		return err
	}
	if err := req.setTarget(target); err != nil {
		return err
	}
	return req.setRest()
}

// parseLine reads the request line but for what is in the target (RFC 9112 §3).
func (req *Request) parseLine(line string) (target string, err error) {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	if i := tchar.bad(method); i >= 0 {
		return "", refuseByte("the method", method[i])
	}
	if target == "" || version == "" {
		return "", refuse(400, "the request line is not method, target and version, with one blank between")
	}
	if len(method) > maxMethod {
		return "", refuse(501, "the method is too long") // §3.1
	}
	if i := uchar.bad(target); i >= 0 {
		return "", refuseByte("the target", target[i])
	}
	if req.Minor, err = minor(version); err != nil {
		return "", err
	}
	req.Method = method
	return target, nil
}

// minor reads a version, one digit each (RFC 9112 §2.3).
func minor(version string) (int, error) {
	switch version {
	case "HTTP/1.1":
		return 1, nil
	case "HTTP/1.0":
		return 0, nil
	}
	digits, ok := strings.CutPrefix(version, "HTTP/")
	if !ok || len(digits) != 3 || digits[1] != '.' || digits[0]-'0' > 9 || digits[2]-'0' > 9 {
		return 0, refuse(400, "the version is malformed")
	}
	return 0, refuse(505, "a version other than HTTP/1.0 and HTTP/1.1") // RFC 9110 §15.6.6
}

// setRest reads the fields that say how the message goes on.
func (req *Request) setRest() error {
	f, err := frame(req.Header, req.Minor)
	if err != nil {
		return err
	}
	switch {
	case req.Method == "CONNECT" && (f.chunked || f.length > 0):
		return refuse(400, "CONNECT with content") // RFC 9110 §9.3.6
	case f.chunked:
		req.Length = Chunked
	default:
		req.Length = max(f.length, 0)
	}
	req.Close = closes(req.Header, req.Minor) || req.Method == "CONNECT"
	req.Upgrade = upgrade(req.Header, req.Minor)
	if req.Minor == 0 {
		return nil // RFC 9110 §10.1.1: Expect is ignored
	}
	for what := range req.Header.Tokens("Expect") {
		if !sameFold(what, "100-continue") {
			return refuse(417, "an expectation other than 100-continue")
		}
		req.Expect = req.Length != 0
	}
	return nil
}
