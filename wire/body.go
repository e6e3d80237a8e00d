package wire

import (
	"errors"
	"io"
)

// Body is the body of one message. It never reads beyond it, so far as the caller
// can tell: what was read ahead stays in the Reader. A read that a deadline ended
// can be repeated.
type Body struct {
	reader *Reader
	status int // of errors
	part   part
	left   int64 // bytes of the body, or of the chunk
	spent  int   // bytes of chunk extensions
	trail  Header
	err    error // what is wrong for good
}

// part is where in a body reading stands.
type part uint8

const (
	done      part = iota
	counted        // in a body of known length
	toTheEnd       // in one that ends with the connection
	chunkSize      // before a chunk's line
	chunkData      // in a chunk
	chunkEnd       // before the CRLF behind it
	trailer        // before the trailer
)

func (b *Body) begin(r *Reader, length int64, status int) {
	*b = Body{reader: r, status: status}
	switch {
	case length == Chunked:
		b.part = chunkSize
	case length == UntilClose:
		b.part = toTheEnd
	case length > 0:
		b.part, b.left = counted, length
	}
}

// Done reports whether the body was read to its end, so that the next message
// can be read. One without a body is done at once.
func (b *Body) Done() bool { return b.part == done && b.err == nil }

// Buffered returns how many bytes of the body can be read without waiting, as far as
// that can be told without reading: of one of known length.
func (b *Body) Buffered() int {
	if b.part != counted || b.err != nil {
		return 0
	}
	return int(min(b.left, int64(b.reader.Buffered())))
}

// Trailer returns the fields behind a chunked body, once that is done.
func (b *Body) Trailer() Header { return b.trail }

// Read reads what has come of the body, and waits only when nothing has. A body
// that ends before its length is io.ErrUnexpectedEOF, one that is malformed an
// [*Error]; both come again at every call.
func (b *Body) Read(p []byte) (n int, err error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.part == done:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case b.part == counted:
		n, err = b.readCounted(p, done)
	case b.part == toTheEnd:
		if n, err = b.reader.read(p); err == io.EOF {
			b.part = done
			return n, err
		}
	default:
		n, err = b.readChunks(p)
		if b.part == done && n == 0 {
			return 0, io.EOF
		}
	}
	return n, b.broke(err)
}

// broke remembers what is wrong for good, which a deadline is not.
func (b *Body) broke(err error) error {
	if err == nil {
		return nil
	}
	fault := &Error{Status: b.status}
	var malformed *Error
	switch {
	case errors.As(err, &malformed):
		fault.Reason = malformed.Reason
		b.err = fault
	case err == errTooLong:
		fault.Reason = "the body's framing or trailer is too long"
		b.err = fault
	case err == io.EOF:
		fault.Reason, fault.Err = "the body before broke off", io.ErrUnexpectedEOF
		b.err = io.ErrUnexpectedEOF
	default:
		return err
	}
	b.reader.dead = fault
	return b.err
}

// readCounted reads within what is left, after which comes next.
func (b *Body) readCounted(p []byte, next part) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.reader.read(p)
	if b.left -= int64(n); b.left == 0 {
		b.part = next
	}
	return n, err
}
