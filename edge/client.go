package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"homing/forward"
	"homing/journey"
	"homing/wire"
)

// client is one client's connection. Its goroutine reads a request, answers it
// and reads the next, unless the client speaks HTTP/2. What reads beside it, the sender of a body or the watch,
// has ended before it reads again.
type client struct {
	server      *Server
	conn        net.Conn
	reader      *wire.Reader
	addr        string // without the port
	local, port string // that it connected to
	tls         bool
	idle        bool   // guarded by server.mu
	watch       *watch // nil: there is none
}

func newClient(s *Server, conn net.Conn) *client {
	c := &client{server: s, conn: conn, reader: wire.NewReader(conn, wire.Limits{}), idle: true}
	c.addr = hostOf(conn.RemoteAddr().String())
	c.local, c.port, _ = net.SplitHostPort(conn.LocalAddr().String())
	_, c.tls = conn.(*tls.Conn)
	return c
}

// ending is what becomes of a connection after a request.
type ending uint8

const (
	keptOpen  ending = iota
	closed           // at once
	lingering        // once the client has had time to read the answer
	broken           // so that half an answer does not look like a whole one
)

func (c *client) serve() {
	defer c.server.remove(c)
	defer c.conn.Close()
	defer func() {
		if p := recover(); p != nil { // one request must not end all others
			c.server.edge.cfg.Logger.Error("serving a request panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if c.handshake() {
		c.serveHTTP2(nil)
		return
	}
	for {
		switch c.next() {
		case closed:
			return
		case lingering:
			c.linger()
			return
		case broken:
			c.reset()
			return
		}
	}
}

// next waits for a request and serves it.
func (c *client) next() ending {
	s := c.server
	if !s.setIdle(c, true) {
		return closed
	}
	c.readWithin(s.times.idle)
	if c.reader.Await() != nil || !s.setIdle(c, false) {
		return closed
	}
	begun := time.Now()
	c.readWithin(s.times.head)
	req, err := c.reader.ReadRequest()
	if errors.Is(err, wire.ErrHTTP2Preface) && !c.tls {
		return c.serveHTTP2(c.reader.Rest())
	}
	if err != nil {
		return c.refuse(err, begun)
	}
	_ = c.conn.SetReadDeadline(time.Time{}) // an error shows at the next read
	return c.exchange(req)
}

func (c *client) readWithin(d time.Duration) {
	_ = c.conn.SetReadDeadline(time.Now().Add(d)) // an error shows at the next read
}

var past = time.Unix(1, 0)

// interrupt ends a read of the connection that is under way.
func (c *client) interrupt() { _ = c.conn.SetReadDeadline(past) }

// refuse answers what is no request.
func (c *client) refuse(err error, begun time.Time) ending {
	p := &Problem{Code: BadRequest}
	var fault *wire.Error
	switch {
	case errors.Is(err, wire.ErrHTTP2Preface):
		p.Status, p.Detail = http.StatusHTTPVersionNotSupported, "HTTP/2 over TLS must be chosen in the handshake"
	case errors.As(err, &fault) && fault.Status != 0:
		p.Status, p.Detail = fault.Status, fault.Reason
	default:
		return closed // nobody is there to be answered
	}
	e := c.server.edge
	rec := &journey.Record{
		ID: newRequestID(e.cfg.Region), Edge: e.cfg.Region, Start: begun, Status: p.Status,
		Code: p.Code.String(), Problem: p.Detail,
	}
	out := &wireSink{client: c, stall: c.server.times.stall, close: true}
	header, body := p.answer(nil, rec.ID)
	_ = out.begin(p.Status, header, int64(len(body))) // a head of ours can be written
	_ = out.write(body, true)                         // a client that has gone needs no answer
	rec.Duration = time.Since(begun)
	e.finish(rec)
	return lingering
}

// exchange serves one request.
func (c *client) exchange(req *wire.Request) ending {
	ctx, cancel := context.WithCancel(c.server.ctx)
	defer cancel()
	in := c.inbound(ctx, req)
	out := &wireSink{client: c, stall: c.server.times.stall, method: req.Method, http10: req.Minor == 0, close: req.Close}
	if req.Length == 0 {
		c.beginWatch(cancel)
	} else {
		in.length, in.expect = req.Length, req.Expect
		var body io.Reader = &bodyReading{client: c, gone: cancel}
		if req.Expect {
			body = &forward.FirstRead{Reader: body, Before: out.goOn}
		}
		cfg := c.server.edge.cfg
		in.body = forward.NewBody(in.motion.body(body), req.Length, cfg.BodyLimit, c.server.edge.budget, c.interrupt)
		out.body = in.body
	}
	cut := c.serveInbound(in, out)
	switch {
	case out.switched:
		return closed // by the tunnel
	case cut && out.untilClose:
		return broken
	case cut || out.flush() != nil || ctx.Err() != nil:
		return closed
	case !c.reader.Body().Done() || out.close && c.reader.Buffered() > 0:
		return lingering
	case out.close:
		return closed
	}
	return keptOpen
}

// serveInbound serves a request, and returns when nobody reads the connection
// any more.
func (c *client) serveInbound(in *inbound, out *wireSink) (cut bool) {
	defer c.endWatch()
	if in.body != nil {
		defer in.body.Close()
	}
	return c.server.edge.serve(in, out)
}

func (c *client) inbound(ctx context.Context, req *wire.Request) *inbound {
	path, _, _ := strings.Cut(req.Target, "?")
	in := &inbound{
		ctx: ctx, method: req.Method, target: req.Target, path: path, host: req.Host, header: make(http.Header, len(req.Header)),
		client: c.addr, local: c.local, port: c.port, tls: c.tls,
	}
	in.motion.since = time.Now()
	for _, f := range req.Header {
		in.header.Add(f.Name, f.Value)
	}
	if req.Length == 0 && !req.Close {
		in.upgrade = forward.Harmless(req.Upgrade)
	}
	return in
}

// watch notices that a client goes away while it is answered.
type watch struct {
	timer *time.Timer
	ended chan struct{}
}

// watchAfter is when a watch begins. Most requests are answered before, and are
// spared what it costs to wake a reader up.
const watchAfter = 5 * time.Millisecond

// beginWatch calls gone when the client goes away, until endWatch. The client
// must have sent its request to the end.
func (c *client) beginWatch(gone context.CancelFunc) {
	if c.reader.Buffered() > 0 {
		return // it has sent more: whether it goes away shows only behind that
	}
	ended := make(chan struct{})
	c.watch = &watch{ended: ended, timer: time.AfterFunc(watchAfter, func() {
		defer close(ended)
		err := c.reader.Await()
		if err == io.EOF {
			// Perhaps said only because this was its last request. What may be
			// behind that is no request, and can be dropped.
			_, err = c.conn.Read(make([]byte, 1))
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			gone()
		}
	})}
}

// endWatch ends the watch and returns when it has ended.
func (c *client) endWatch() {
	if c.watch != nil && !c.watch.timer.Stop() {
		c.interrupt()
		<-c.watch.ended
	}
	c.watch = nil
}

// linger says that nothing more will come, and drops what is still sent: closed
// over unread bytes, the connection would be reset, which can overtake the answer.
func (c *client) linger() {
	if w, ok := c.conn.(interface{ CloseWrite() error }); !ok || w.CloseWrite() != nil {
		return
	}
	c.readWithin(c.server.times.linger)
	_, _ = io.Copy(io.Discard, c.conn) // ends with the client or the deadline
}

// reset ends the connection with a reset, past what TLS would say at its end.
func (c *client) reset() {
	conn := c.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // a connection that is gone is as good as reset
	}
	conn.Close()
}

// bodyReading reads a request's body for [forward.Body], which reads in one
// goroutine at a time.
type bodyReading struct {
	client *client
	gone   context.CancelFunc
	done   bool
}

func (b *bodyReading) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF // the watch reads now
	}
	body := b.client.reader.Body()
	n, err := body.Read(p)
	if body.Done() {
		b.done = true
		b.client.beginWatch(b.gone)
		return n, io.EOF
	}
	var malformed *wire.Error
	if err != nil && !errors.As(err, &malformed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		b.gone()
	}
	return n, err
}
