package languages

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/decision"
)

// open asks for what does not end soon, and returns when it has begun.
func (c *client) open(t *testing.T, path string, fields ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = c.host
	if c.token != "" {
		req.Header.Set("Homing-Position", c.token)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	// Whatever does not come is an error, and not a test that hangs.
	limit := time.AfterFunc(20*time.Second, func() { resp.Body.Close() })
	t.Cleanup(func() { limit.Stop() })
	return resp
}

// testEvents looks on while a link is visited: in the replica's region, and at home for
// whom that has fallen behind.
func (w *world) testEvents(t *testing.T) {
	author := w.client(here)
	l := author.create(t, "watched")
	w.catchUp()
	events := w.client(here).events(t, l.Name)
	if got := events.next(t); got != l {
		t.Errorf("it begins with %+v, want %+v", got, l)
	}
	author.visit(t, l.Name)
	l.Visits++
	if got := events.next(t); got != l {
		t.Errorf("after a visit comes %+v, want %+v", got, l)
	}
	events.close()
	w.went(t, events.header, here, decision.Read)

	defer w.hold()()
	author.visit(t, l.Name)
	l.Visits++
	events = author.events(t, l.Name)
	if got := events.next(t); got != l {
		t.Errorf("who visited it begins with %+v, want %+v", got, l)
	}
	events.close()
	w.went(t, events.header, home, decision.Stale)
}

// stream is a link's events.
type stream struct {
	header http.Header
	body   io.Closer
	lines  *bufio.Scanner
}

func (c *client) events(t *testing.T, name string) *stream {
	t.Helper()
	resp := c.open(t, "/watch/"+name)
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("%s, %s", resp.Status, kind)
	}
	return &stream{resp.Header, resp.Body, bufio.NewScanner(resp.Body)}
}

func (s *stream) next(t *testing.T) (l link) {
	t.Helper()
	for s.lines.Scan() {
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	t.Fatalf("no event comes: %v", s.lines.Err())
	return l
}

func (s *stream) close() { s.body.Close() }

// testSocket asks about a link through a WebSocket: in the replica's region, and at home
// for whom that has fallen behind.
func (w *world) testSocket(t *testing.T) {
	author := w.client(here)
	l := author.create(t, "told")
	w.catchUp()
	s := w.client(here).socket(t)
	for range 3 {
		if got := s.ask(t, l.Name); got != l {
			t.Errorf("told of %+v, want %+v", got, l)
		}
	}
	s.close()
	w.went(t, s.header, here, decision.Read, "") // of an upgrade no reason is told

	defer w.hold()()
	author.visit(t, l.Name)
	l.Visits++
	s = author.socket(t)
	if got := s.ask(t, l.Name); got != l {
		t.Errorf("who visited it is told of %+v, want %+v", got, l)
	}
	s.close()
	w.went(t, s.header, home, decision.Stale)
}

// socket is a WebSocket (RFC 6455) for short texts.
type socket struct {
	header http.Header
	conn   io.ReadWriteCloser
}

func (c *client) socket(t *testing.T) *socket {
	t.Helper()
	return c.socketAt(t, "/live")
}

func (c *client) socketAt(t *testing.T, path string, fields ...string) *socket {
	t.Helper()
	resp := c.open(t, path, append(fields, "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")...)
	conn, ok := resp.Body.(io.ReadWriteCloser)
	// The key and what it is answered with are RFC 6455's example, section 1.3.
	if accept := resp.Header.Get("Sec-WebSocket-Accept"); !ok || accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("%s, accepted with %q", resp.Status, accept)
	}
	return &socket{resp.Header, conn}
}

const (
	finalText  = 0x81 // the head of a frame that is a whole text
	masked     = 0x80 // what clients send is; with zeros it stays readable
	longer     = 126  // a length in two more bytes
	finalClose = 0x88
)

func (s *socket) ask(t *testing.T, text string) (l link) {
	t.Helper()
	frame := append([]byte{finalText, masked | byte(len(text)), 0, 0, 0, 0}, text...)
	if _, err := s.conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	answer, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer, &l); err != nil {
		t.Fatalf("%q: %v", answer, err)
	}
	return l
}

func (s *socket) read() ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(s.conn, head[:]); err != nil {
		return nil, err
	}
	length := uint16(head[1])
	if length == longer {
		if err := binary.Read(s.conn, binary.BigEndian, &length); err != nil {
			return nil, err
		}
	}
	if head[0] != finalText || head[1] > longer {
		return nil, fmt.Errorf("a frame of another kind: %x", head)
	}
	text := make([]byte, length)
	_, err := io.ReadFull(s.conn, text)
	return text, err
}

// close says good-bye, and waits until the app has done so.
func (s *socket) close() {
	s.conn.Write([]byte{finalClose, masked, 0, 0, 0, 0}) //nolint:errcheck // then it has ended already
	io.Copy(io.Discard, s.conn)                          //nolint:errcheck // as above
	s.conn.Close()
}
