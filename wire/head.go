package wire

import (
	"errors"
	"io"
	"strings"
)

// head reads a head of at most limit bytes as one string, of which the fields
// will be parts.
func (r *Reader) head(limit int) (string, error) {
	if err := r.Await(); err != nil {
		return "", err
	}
	if !tchar.has(r.buf[r.start]) {
		// Said at once: a client that speaks something else, such as TLS, may
		// never send the end of a line. An empty line is refused here too.
		return "", refuseByte("the beginning of the message", r.buf[r.start])
	}
	section, err := r.section(limit)
	switch {
	case err == errTooLong && r.line == 0:
		return "", refuse(414, "the first line is too long") // RFC 9112 §3
	case err == errTooLong:
		return "", refuse(431, "the head is too long") // RFC 6585 §5
	case err != nil:
		return "", headBroke(err, true)
	}
	return string(section), nil
}

// headBroke is the error of a head that did not come to its end.
func headBroke(err error, begun bool) error {
	var fault *Error
	var slow interface{ Timeout() bool }
	switch {
	case errors.As(err, &fault):
		return &Error{Status: fault.Status, Reason: fault.Reason}
	case err == io.EOF && !begun:
		return io.EOF
	case err == io.EOF:
		return &Error{Status: 400, Reason: "the head broke off", Err: io.ErrUnexpectedEOF}
	case errors.As(err, &slow) && slow.Timeout() && begun:
		return &Error{Status: 408, Reason: "the head did not come in time", Err: err} // RFC 9110 §15.5.9
	}
	return &Error{Reason: "no head came", Err: err}
}

// parseFields appends the fields in lines to h. The lines end with CRLF each, and
// an empty one ends them.
func parseFields(h Header, lines string, limit int) (Header, error) {
	for lines != "\r\n" {
		end := strings.IndexByte(lines, '\n')
		f, err := parseField(lines[:end-1])
		if err != nil {
			return nil, err
		}
		if len(h) == limit {
			return nil, refuse(431, "the head has too many fields")
		}
		h = append(h, f)
		lines = lines[end+1:]
	}
	return h, nil
}

// parseField reads one line (RFC 9112 §5).
func parseField(line string) (Field, error) {
	if line[0] == ' ' || line[0] == '\t' {
		return Field{}, refuse(400, "a line begins with a blank") // §5.2, and §2.2 for the first
	}
	name, value, ok := strings.Cut(line, ":")
	if i := tchar.bad(name); i >= 0 {
		if name[i] == ' ' || name[i] == '\t' {
			return Field{}, refuse(400, "a field name holds a blank, or one stands before the colon") // §5.1
		}
		return Field{}, refuseByte("a field name", name[i])
	}
	if !ok || name == "" {
		return Field{}, refuse(400, "a line of the head is no field")
	}
	value = trim(value)
	if i := vchar.bad(value); i >= 0 {
		return Field{}, refuseByte("a field value", value[i]) // RFC 9110 §5.5
	}
	return Field{name, value}, nil
}
