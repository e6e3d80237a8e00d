package forward

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"homing/wire"
)

// conn is a connection to a machine. One exchange uses it at a time; only the
// sending of a body runs beside the reading of the answer.
type conn struct {
	net.Conn
	addr    string
	r       *wire.Reader
	opening time.Duration // how long that took
	reused  bool
	mayIdle time.Duration // for how long the machine keeps it, less a second; 0: it has not said
	until   time.Duration // on the pool's clock: when it has been idle for too long

	// Bytes in this exchange. Those of the request's body are not counted: none
	// leaves before the head has.
	read, written int64
	moved         func() // likewise; nil: nobody asks

	exchange exchange // that uses it, or was the last to
	yield    Yield    // before an answer
	peek     peek     // whether it can be used for one more
}

func newConn(nc net.Conn, addr string) *conn {
	c := &conn{Conn: nc, addr: addr}
	c.r = wire.NewReader(reading{c}, wire.Limits{})
	c.peek.prepare(nc)
	return c
}

// reading counts what comes.
type reading struct{ *conn }

func (r reading) Read(p []byte) (int, error) {
	n, err := r.conn.Conn.Read(p)
	r.conn.yield.After()
	r.conn.read += int64(n)
	r.conn.note()
	return n, err
}

// writeHead sends the head, which is the whole request where there is no body.
func (c *conn) writeHead(head []byte) error {
	n, err := c.Conn.Write(head)
	c.written += int64(n)
	c.note()
	return err
}

// note tells who asked for it that something has moved.
func (c *conn) note() {
	if c.moved != nil {
		c.moved()
	}
}

// writeBody copies a body of the given length, or in chunks if it is negative,
// as it comes: nothing waits for a full buffer.
func (c *conn) writeBody(body io.Reader, length int64) error {
	// The connection itself, since a wrapper would take three writes for a chunk.
	var to io.Writer = c.Conn
	end := func() error { return nil }
	if length < 0 {
		chunks := wire.NewChunkWriter(c.Conn)
		to, end = chunks, chunks.Close
	}
	buf := pourBuffers.Get().(*[]byte)
	defer pourBuffers.Put(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if _, werr := to.Write((*buf)[:n]); werr != nil {
				return werr
			}
			c.note()
		}
		if err == io.EOF {
			return end()
		}
		if err != nil {
			return err
		}
	}
}

// readHead reads answers until one is final, whose body is still to come. The
// Reader bounds all of them together: a machine could say 103 for ever.
func (c *conn) readHead(method string, x *exchange) (*wire.Response, error) {
	for {
		answer, err := c.r.ReadResponse(method)
		switch {
		case err == io.EOF:
			return nil, fmt.Errorf("the machine closed the connection: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return nil, fmt.Errorf("the answer's head cannot be read: %w", err)
		case answer.Status >= 200 || answer.Status == http.StatusSwitchingProtocols:
			return answer, nil
		default:
			x.early(answer.Status, answer.Header)
		}
	}
}

// usable reports whether an idle connection can take a request: nothing to read
// (bytes that nobody asked for would be taken for the answer), and not closed by
// the other side. Where that cannot be told, once decides.
func (c *conn) usable(once bool) bool {
	if a, ok := c.Conn.(interface{ Alive() bool }); ok {
		return a.Alive()
	}
	alive, known := c.peek.silent()
	return alive || !known && !once
}
