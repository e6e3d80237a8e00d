package edge

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"homing/forward"
	"homing/wire"
)

// wireSink is a sink on a client's connection. But for goOn and interrupt it is
// used by one goroutine.
type wireSink struct {
	client *client
	method string
	stall  time.Duration // for a part of an answer to be taken
	http10 bool          // the client knows neither chunks nor 1xx answers
	body   *forward.Body // the request's; nil: none

	close      bool // no request may follow
	untilClose bool // the answer ends with the connection
	switched   bool // the connection was given away
	bodiless   bool
	buf        []byte // room for what is written
	head       []byte // still to be written, with the first part of the body
	chunks     *wire.ChunkWriter
	err        error // of writing; the connection is of no more use

	mu      sync.Mutex
	decided bool // a final answer has begun: a 100 must not come any more
}

// mostKept is how much room is kept for the next request.
const mostKept = 32 << 10

// begins makes this the sink of a request's answer.
func (s *wireSink) begins(c *client, req *wire.Request) {
	buf := s.buf
	if cap(buf) > mostKept {
		buf = nil
	}
	*s = wireSink{
		client: c, stall: c.server.times.stall, method: req.Method, http10: req.Minor == 0, close: req.Close, buf: buf[:0],
	}
}

// goOn tells a client that waits for it to send its body.
func (s *wireSink) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.decided {
		s.deadline()
		// A client that has gone shows when the body is read.
		_, _ = io.WriteString(s.client.conn, "HTTP/1.1 100 Continue\r\n\r\n")
	}
}

func (s *wireSink) early(status int, header wire.Header) {
	if s.http10 {
		return
	}
	head, err := appendHead(nil, wire.Response{Status: status, Length: wire.UntilClose}, header)
	if err != nil {
		return // it is only a hint
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(head)
}

func (s *wireSink) begin(status int, header wire.Header, length int64) error {
	s.mu.Lock()
	s.decided = true
	s.mu.Unlock()
	resp := s.response(status, length)
	head, err := appendHead(s.buf[:0], resp, header)
	if err != nil {
		return fmt.Errorf("the head cannot be written: %w", err)
	}
	s.buf, s.head, s.close = head, head, resp.Close
	s.untilClose = resp.Length == wire.UntilClose && !s.bodiless
	if resp.Length == wire.Chunked {
		s.chunks = wire.NewChunkWriter(s.client.conn)
	}
	if length < 0 {
		_ = s.flush() // an error shows at the next write
	}
	return nil
}

// response says how an answer is framed.
func (s *wireSink) response(status int, length int64) wire.Response {
	resp := wire.Response{Status: status, Length: length, Close: s.close}
	s.bodiless = s.method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	switch {
	case status == http.StatusNoContent || status == http.StatusNotModified || s.bodiless && length < 0:
		resp.Length = wire.UntilClose // not said
	case length < 0 && s.http10:
		resp.Length, resp.Close = wire.UntilClose, true
	case length < 0:
		resp.Length = wire.Chunked
	}
	// What is left of a body must not be read as the client's next request.
	if s.body != nil && !s.body.Whole() || s.client.server.isClosing() {
		resp.Close = true
	}
	return resp
}

func (s *wireSink) write(p []byte, _ bool) error {
	switch {
	case s.err != nil || s.bodiless || len(p) == 0:
	case s.chunks != nil:
		s.deadline()
		_, s.err = s.chunks.Write(p)
	case s.head != nil:
		s.putFirst(p)
	default:
		s.put(p)
	}
	return s.err
}

func (s *wireSink) end(trailer wire.Header) {
	if s.flush() == nil && s.chunks != nil {
		s.chunks.Trailer = trailer
		s.deadline()
		s.err = s.chunks.Close()
	}
}

// flush writes a head that no body followed, and returns what went wrong so far.
func (s *wireSink) flush() error {
	if s.head != nil {
		s.put(s.head)
		s.head = nil
	}
	return s.err
}

// put writes p at once.
func (s *wireSink) put(p []byte) {
	if s.err != nil {
		return
	}
	s.deadline()
	_, s.err = s.client.conn.Write(p)
}

// smallPart is up to which size a part of a body is copied behind the head: that is
// cheaper than to write two pieces.
const smallPart = 16 << 10

// putFirst writes the head together with the first part of the body.
func (s *wireSink) putFirst(p []byte) {
	head := s.head
	s.head = nil
	if len(p) <= smallPart {
		s.buf = append(head, p...)
		s.put(s.buf)
		return
	}
	if s.err == nil {
		s.deadline()
		bufs := net.Buffers{head, p}
		_, s.err = bufs.WriteTo(s.client.conn)
	}
}

func (s *wireSink) deadline() { s.client.writeWithin(s.stall) }

func (s *wireSink) patience(d time.Duration) { s.stall = d }

func (s *wireSink) interrupt() { s.client.interruptWrite() }

// switchTo answers 101. The connection is the caller's after that.
func (s *wireSink) switchTo(header wire.Header) (forward.End, error) {
	c := s.client
	c.watch.end()
	head, err := appendHead(nil, wire.Response{Status: http.StatusSwitchingProtocols, Upgrade: header.Get("Upgrade")}, header)
	if err != nil {
		return nil, err
	}
	s.switched = true
	c.server.remove(c)
	s.buf = nil
	s.put(head) // a client that has gone ends the tunnel as soon as it is read
	_ = c.conn.SetDeadline(time.Time{})
	return forward.NewEnd(c.conn, io.MultiReader(bytes.NewReader(c.reader.Rest()), c.conn)), nil
}

// appendHead appends the bytes of a head to b. An error says that a machine's answer
// holds what could be read as something else.
func appendHead(b []byte, resp wire.Response, header wire.Header) ([]byte, error) {
	resp.Reason, resp.Header = http.StatusText(resp.Status), header
	if resp.Status >= 200 && header.Get("Date") == "" {
		resp.Header = append(header, wire.Field{Name: "Date", Value: date()})
	}
	return wire.AppendResponseHead(b, &resp)
}
