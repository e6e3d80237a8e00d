package wire

import (
	"bytes"
	"errors"
	"io"
)

// firstBuffer is what an idle connection holds.
const firstBuffer = 3 << 10

// Reader reads the messages that one side of a connection sends. It is not safe
// for concurrent use; that includes its Body.
type Reader struct {
	src        io.Reader
	limits     Limits
	buf        []byte
	start, end int // of what was read and not taken yet

	// How far the section at start was looked through, counted from there.
	line, seen int

	begun bool  // a message was read
	early int   // bytes of 1xx answers since the last final one
	last  bool  // the message read last is the connection's last
	dead  error // nothing more is read
	body  Body

	// What was read last.
	request  Request
	response Response
	fields   Header // room for theirs
}

// mostKept is for how many fields room is kept between messages: few have more.
const mostKept = 32

// room returns an empty header for the fields of a next message.
func (r *Reader) room() Header {
	if cap(r.fields) > mostKept {
		r.fields = nil
	}
	if r.fields == nil {
		r.fields = make(Header, 0, mostKept/2)
	}
	return r.fields[:0]
}

// NewReader returns a Reader of what comes from r.
func NewReader(r io.Reader, l Limits) *Reader {
	return &Reader{src: r, limits: l.withDefaults()}
}

// Body returns the body of the message read last. It is valid until the next one
// is read.
func (r *Reader) Body() *Body { return &r.body }

// Buffered returns how many bytes were read ahead.
func (r *Reader) Buffered() int { return r.end - r.start }

// Rest takes what was read ahead: after an upgrade it belongs to the new
// protocol. The bytes are the caller's, and the Reader holds no memory any more.
func (r *Reader) Rest() []byte {
	rest := bytes.Clone(r.buf[r.start:r.end])
	r.buf, r.start, r.end, r.line, r.seen = nil, 0, 0, 0, 0
	r.fields, r.request, r.response = nil, Request{}, Response{}
	return rest
}

// Await waits until the first byte of a next message has come, so that the time
// between messages can be bounded apart from the time that a head takes. Its
// errors are those of reading a head: io.EOF, or an [*Error] with status 0.
func (r *Reader) Await() error {
	if err := r.ready(); err != nil || r.Buffered() > 0 {
		return err
	}
	if err := r.fill(); err != nil {
		return headBroke(err, false)
	}
	return nil
}

// ready returns what keeps a next message from being read.
func (r *Reader) ready() error {
	switch {
	case r.dead != nil:
		return r.dead
	case !r.body.Done():
		return ErrUnread
	case r.last:
		return io.EOF // whatever was sent after the last message is none
	}
	return nil
}

// die makes the Reader read no more.
func (r *Reader) die(err error) error {
	r.dead = err
	return err
}

var (
	errTooLong = errors.New("too long")
	errBareLF  = refuse(400, "a line ends with a bare LF") // RFC 9112 §2.2
)

// section returns the bytes up to the next empty line, and that line, which must
// end within limit bytes. Every line of it ends with CRLF. The bytes are valid
// until the next read.
func (r *Reader) section(limit int) ([]byte, error) {
	for {
		for {
			i := bytes.IndexByte(r.buf[r.start+r.seen:r.end], '\n')
			if i < 0 {
				r.seen = r.end - r.start
				break
			}
			at := r.seen + i
			switch {
			case at >= limit:
				return nil, errTooLong
			case at == r.line || r.buf[r.start+at-1] != '\r':
				return nil, errBareLF
			case at-1 == r.line:
				return r.take(at + 1), nil
			}
			r.line, r.seen = at+1, at+1
		}
		if r.seen >= limit {
			return nil, errTooLong
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// chunkLine returns a line without its end, which must come within limit bytes.
func (r *Reader) chunkLine(limit int) ([]byte, error) {
	for {
		i := bytes.IndexByte(r.buf[r.start:r.end], '\n')
		switch {
		case i >= limit || i < 0 && r.Buffered() >= limit:
			return nil, errTooLong
		case i == 0 || i > 0 && r.buf[r.start+i-1] != '\r':
			return nil, errBareLF
		case i > 0:
			return r.take(i + 1)[:i-1], nil
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// take hands out the next n bytes, which are buffered.
func (r *Reader) take(n int) []byte {
	p := r.buf[r.start : r.start+n]
	r.start += n
	r.line, r.seen = 0, 0
	return p
}

// fill reads once, behind what is buffered, which it may move.
func (r *Reader) fill() error {
	if r.start == r.end {
		r.start, r.end = 0, 0
		if cap(r.buf) != firstBuffer {
			r.buf = make([]byte, firstBuffer) // a large head's buffer is not kept
		}
	}
	if r.end == len(r.buf) {
		into := r.buf
		if r.start < len(r.buf)/2 {
			into = make([]byte, 2*len(r.buf))
		}
		r.end = copy(into, r.buf[r.start:r.end])
		r.buf, r.start = into, 0
	}
	n, err := r.readSource(r.buf[r.end:])
	r.end += n
	return err
}

// readSource reads at least one byte or returns an error, not both: an error
// behind bytes comes again.
func (r *Reader) readSource(p []byte) (int, error) {
	for range 100 {
		n, err := r.src.Read(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// read reads a part of a body, at most len(p) bytes.
func (r *Reader) read(p []byte) (int, error) {
	if r.Buffered() == 0 {
		if len(p) >= firstBuffer {
			return r.readSource(p)
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	return copy(p, r.take(min(len(p), r.Buffered()))), nil
}
