package wire

import (
	"errors"
	"io"
	"net"
	"strconv"
)

// errClosed: more is written behind the end.
var errClosed = errors.New("the body was written to its end")

// ChunkWriter writes a body in chunks (RFC 9112 §7.1), one for each call: to a TCP
// connection in one system call, to others in three writes. It is not safe for
// concurrent use.
type ChunkWriter struct {
	// Trailer is written by Close.
	Trailer Header

	w     io.Writer
	size  [18]byte // 16 digits and CRLF
	parts [3][]byte
	bufs  net.Buffers
	err   error
}

// NewChunkWriter returns a ChunkWriter to w.
func NewChunkWriter(w io.Writer) *ChunkWriter { return &ChunkWriter{w: w} }

var crlf = []byte("\r\n")

// Write writes p as one chunk; nothing if it is empty, since that would end the
// body.
func (c *ChunkWriter) Write(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	size := append(strconv.AppendInt(c.size[:0], int64(len(p)), 16), crlf...)
	c.parts = [3][]byte{size, p, crlf}
	c.bufs = c.parts[:]
	n, err := c.bufs.WriteTo(c.w)
	c.parts = [3][]byte{}
	if err != nil {
		c.err = err
	}
	return min(max(int(n)-len(size), 0), len(p)), err
}

// Close writes the end of the body and the trailer, not the connection's. A
// trailer that cannot be written is an error, after which the other side must not
// be led to believe that the body is whole: close the connection.
func (c *ChunkWriter) Close() error {
	if c.err != nil {
		return c.err
	}
	end := append([]byte(nil), "0\r\n"...)
	for i := range c.Trailer {
		f := &c.Trailer[i]
		if c.err = f.check(); c.err == nil && forbiddenTrailer(f.Name) {
			c.err = refuse(400, "a field that may not stand in a trailer")
		}
		if c.err != nil {
			return c.err
		}
		end = appendField(end, f.Name, f.Value)
	}
	_, err := c.w.Write(append(end, crlf...))
	if c.err = err; err == nil {
		c.err = errClosed
	}
	return err
}
