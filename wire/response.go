package wire

import "strings"

// ReadResponse reads the head of one answer to a request of that method; a 1xx is
// an answer without a body, and the next call reads what it announces. io.EOF
// says that nothing came; ErrUnread is returned as it is; every other error is an
// [*Error] with status 502.
func (r *Reader) ReadResponse(method string) (*Response, error) {
	head, err := r.head(r.limits.Head - r.early)
	if err != nil {
		return nil, r.broke(ofMachine(err))
	}
	r.begun = true
	resp := &r.response
	*resp = Response{Header: r.room()}
	if err := r.parseResponse(resp, head, method); err != nil {
		return nil, r.die(ofMachine(err))
	}
	r.fields = resp.Header
	r.last = resp.Close
	if r.early += len(head); resp.Status >= 200 {
		r.early = 0
	}
	length := resp.Length
	if resp.bodiless(method) {
		length = 0
	}
	r.body.begin(r, length, 502)
	return resp, nil
}

// ofMachine makes a fault a machine's.
func ofMachine(err error) error {
	if e, ok := err.(*Error); ok {
		e.Status = 502
	}
	return err
}

func (r *Reader) parseResponse(resp *Response, head, method string) error {
	line, fields, _ := strings.Cut(head, "\r\n")
	if err := resp.parseLine(line); err != nil {
		return err
	}
	var err error
	if resp.Header, err = parseFields(resp.Header, fields, r.limits.Fields); err != nil {
		return err
	}
	return resp.setRest(method)
}

// parseLine reads the status line (RFC 9112 §4).
func (resp *Response) parseLine(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	status, reason, _ := strings.Cut(rest, " ")
	var err error
	if resp.Minor, err = minor(version); err != nil {
		return err
	}
	n, ok := decimal(status)
	if !ok || len(status) != 3 || n < 100 || n > 599 {
		return refuse(502, "the status is not a number from 100 to 599") // RFC 9110 §15
	}
	if i := vchar.bad(reason); i >= 0 {
		return refuseByte("the reason phrase", reason[i])
	}
	resp.Status, resp.Reason = int(n), reason
	return nil
}

// setRest reads the fields that say how the message goes on (RFC 9112 §6.3).
func (resp *Response) setRest(method string) error {
	f, err := frame(resp.Header, resp.Minor)
	if err != nil {
		return err
	}
	resp.Close = closes(resp.Header, resp.Minor)
	none := resp.Status < 200 || resp.Status == 204
	switch {
	case none && (f.chunked || f.length > 0):
		return refuse(502, "a body is announced that cannot follow") // RFC 9110 §8.6, RFC 9112 §6.1
	case none:
		resp.Length = 0
	case f.chunked:
		resp.Length = Chunked
	case f.length >= 0:
		resp.Length = f.length
	default:
		resp.Length = UntilClose
		resp.Close = resp.Close || !resp.bodiless(method)
	}
	switch {
	case resp.Status == 101:
		resp.Upgrade, resp.Close = upgrade(resp.Header, resp.Minor), true
	case resp.Status == 426:
		resp.Upgrade = upgrade(resp.Header, resp.Minor) // RFC 9110 §15.5.22
	case resp.Status < 200:
		resp.Close = false // whatever it says: the final answer still comes
	}
	return nil
}

// bodiless reports whether no body follows, whatever the fields say.
func (resp *Response) bodiless(method string) bool {
	return method == "HEAD" || resp.Status < 200 || resp.Status == 204 || resp.Status == 304
}
