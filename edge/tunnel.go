package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"homing/forward"
)

// upgradeOf returns the protocols that a request asks to switch to, or nothing.
func upgradeOf(r *http.Request) string {
	if !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1 || r.ContentLength != 0 || !namesUpgrade(r.Header["Connection"]) {
		return ""
	}
	return harmless(strings.Join(r.Header["Upgrade"], ", "))
}

// harmless returns a list of protocols, or nothing if one of them speaks HTTP or
// TLS again: what a client says in it would reach the machine past all that the
// edge checks.
func harmless(list string) string {
	for name := range strings.SplitSeq(list, ",") {
		name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
		if name == "" || name == "h2c" || name == "http" || name == "tls" {
			return ""
		}
	}
	return list
}

// namesUpgrade reports whether a Connection header has the word.
func namesUpgrade(connection []string) bool {
	for _, line := range connection {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), "upgrade") {
				return true
			}
		}
	}
	return false
}

// tunnel carries an answer of 101 to the client, and then bytes in both
// directions until both have ended.
func (t *trip) tunnel(answer *forward.Response) *Problem {
	defer answer.Tunnel.Close()
	if t.in.upgrade == "" {
		return problem(PU02, "the machine switched protocols without being asked to")
	}
	header := t.answerHeader(answer.Header)
	header["Connection"] = []string{"Upgrade"}
	header["Upgrade"] = answer.Header["Upgrade"]
	t.rec.Status = answer.Status
	client, err := t.out.switchTo(header)
	if err != nil {
		return problem(PU02, "the client's connection cannot switch protocols")
	}
	defer client.Close()
	open := t.edge.tunnels.add(client, answer.Tunnel)
	defer t.edge.tunnels.remove(open)

	if t.joinUntilIdle(client, answer.Tunnel, open) {
		t.rec.Problem = "the tunnel was closed: " + idleError(t.idle.limit).Error()
	}
	last := &t.rec.Hops[len(t.rec.Hops)-1]
	last.Took = time.Since(t.rec.Start) - last.Start
	return nil
}

// half is one end of a tunnel.
type half interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// join copies in both directions until both have ended. An end that closes its
// half of the connection may still be answered; one that breaks ends both.
func join(a, b half, m *motion) {
	var wait sync.WaitGroup
	wait.Go(func() { pour(a, b, m) })
	pour(b, a, m)
	wait.Wait()
}

// pour copies from one end to the other, and passes the end on.
func pour(to, from half, m *motion) {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	// Without the wrappers io.Copy would splice, which holds two more descriptors
	// for each direction.
	_, err := io.CopyBuffer(m.end(to), m.end(from), *buf)
	if err == nil && to.CloseWrite() == nil {
		return
	}
	to.Close()
	from.Close()
}

// tunnels are those that are open, for Close to end.
type tunnels struct {
	mu     sync.Mutex
	open   map[*openTunnel]struct{}
	closed bool
}

type openTunnel struct{ client, machine io.Closer }

func (o *openTunnel) end() {
	o.client.Close()
	o.machine.Close()
}

func (ts *tunnels) add(client, machine io.Closer) *openTunnel {
	o := &openTunnel{client, machine}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closed {
		o.end()
		return o
	}
	if ts.open == nil {
		ts.open = make(map[*openTunnel]struct{})
	}
	ts.open[o] = struct{}{}
	return o
}

func (ts *tunnels) remove(o *openTunnel) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.open, o)
}

// closeAll ends all tunnels, and those that are still to come.
func (ts *tunnels) closeAll() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.closed = true
	for o := range ts.open {
		o.end()
	}
}

// clientConn is a client's connection that a server has given away, with what it
// had read ahead.
type clientConn struct {
	net.Conn
	ahead io.Reader
}

func (c *clientConn) Read(p []byte) (int, error) { return c.ahead.Read(p) }

func (c *clientConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// switchTo takes the connection from net/http's server and answers 101.
func (s *httpSink) switchTo(header http.Header) (half, error) {
	conn, rw, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{}) // an error shows at the next write
	fmt.Fprintf(rw, "HTTP/1.1 %d %s\r\n", http.StatusSwitchingProtocols, http.StatusText(http.StatusSwitchingProtocols))
	_ = header.Write(rw)
	fmt.Fprint(rw, "\r\n")
	_ = rw.Flush() // a client that has gone ends the tunnel as soon as it is read
	return &clientConn{Conn: conn, ahead: rw.Reader}, nil
}
