package forward

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

var errLongHead = errors.New("the head of the answer is longer than 64 KiB")

// conn is a connection to a machine. One exchange uses it at a time; only the
// sending of a body runs beside the reading of the answer.
type conn struct {
	net.Conn
	addr   string
	br     *bufio.Reader
	bw     *bufio.Writer
	reused bool
	since  time.Time // when it became idle

	headLeft int64        // how many bytes may be read before the head must have ended
	read     int64        // bytes in this exchange
	written  atomic.Int64 // likewise; a body is counted beside the reading of the answer
}

func newConn(nc net.Conn, addr string) *conn {
	c := &conn{Conn: nc, addr: addr}
	c.br = bufio.NewReaderSize(reading{c}, 8<<10)
	c.bw = bufio.NewWriterSize(writing{c}, 8<<10)
	return c
}

// reading counts what comes, and ends heads that never end.
type reading struct{ *conn }

func (r reading) Read(p []byte) (int, error) {
	c := r.conn
	if c.headLeft <= 0 {
		return 0, errLongHead
	}
	if int64(len(p)) > c.headLeft {
		p = p[:c.headLeft]
	}
	n, err := c.Conn.Read(p)
	c.read += int64(n)
	if c.headLeft != math.MaxInt64 {
		c.headLeft -= int64(n)
	}
	return n, err
}

// writing counts what leaves.
type writing struct{ *conn }

func (w writing) Write(p []byte) (int, error) {
	n, err := w.conn.Conn.Write(p)
	w.conn.written.Add(int64(n))
	return n, err
}

func (c *conn) begin() {
	c.read = 0
	c.written.Store(0)
}

// writeHead sends the head, and the whole request where there is no body.
func (c *conn) writeHead(req *Request) error {
	w := c.bw
	w.WriteString(req.Method)
	w.WriteByte(' ')
	w.WriteString(req.Target)
	w.WriteString(" HTTP/1.1\r\nHost: ")
	w.WriteString(req.Host)
	w.WriteString("\r\n")
	for name, values := range req.Header {
		for _, v := range values {
			w.WriteString(name)
			w.WriteString(": ")
			w.WriteString(v)
			w.WriteString("\r\n")
		}
	}
	switch {
	case req.Body == nil && methodHasBody(req.Method):
		w.WriteString("Content-Length: 0\r\n")
	case req.Body != nil && req.Length >= 0:
		w.WriteString("Content-Length: ")
		w.WriteString(strconv.FormatInt(req.Length, 10))
		w.WriteString("\r\n")
	case req.Body != nil:
		w.WriteString("Transfer-Encoding: chunked\r\n")
	}
	w.WriteString("\r\n")
	return w.Flush()
}

// methodHasBody says for which methods an absent body is written as empty, since
// servers wait for a length there (RFC 9110 §8.6).
func methodHasBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// writeBody copies a body of the given length, or in chunks if it is negative,
// as it comes: nothing waits for a full buffer.
func (c *conn) writeBody(body io.Reader, length int64) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if werr := c.writePart(buf[:n], length < 0); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			if length < 0 {
				c.bw.WriteString("0\r\n\r\n")
			}
			return c.bw.Flush()
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) writePart(p []byte, chunked bool) error {
	if !chunked {
		c.bw.Write(p)
		return c.bw.Flush()
	}
	fmt.Fprintf(c.bw, "%x\r\n", len(p))
	c.bw.Write(p)
	c.bw.WriteString("\r\n")
	return c.bw.Flush()
}

// readHead reads one answer's head; its body is still to come.
func (c *conn) readHead(method string) (*http.Response, error) {
	answer, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the machine closed the connection: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, unquoted(err)
	}
	return answer, nil
}

// unquoted returns what is wrong with a head without what net/http quotes of it:
// that may be a cookie, or a replay's state, and errors end up in records.
func unquoted(err error) error {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, errLongHead) {
		return err
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "net/"), "http: ")
	if i := strings.IndexAny(text, `:"`); i >= 0 {
		text = text[:i]
	}
	return errors.New("the answer's head cannot be read: " + strings.TrimSpace(text))
}

// usable reports whether an idle connection can take a request: nothing to read
// (bytes that nobody asked for would be taken for the answer), and not closed by
// the other side. Where that cannot be told, once decides.
func (c *conn) usable(once bool) bool {
	if a, ok := c.Conn.(interface{ Alive() bool }); ok {
		return a.Alive()
	}
	alive, known := silent(c.Conn)
	return alive || !known && !once
}
