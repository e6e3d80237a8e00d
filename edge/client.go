package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
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
	life        forward.Leash // ends when the client has gone
	addr        string        // without the port
	local, port string        // that it connected to
	ends        string        // addr and local, as X-Forwarded-For has them
	tls         bool
	state       atomic.Int32 // idle, busy or barred
	clock       clock
	watch       watch
	yield       forward.Yield // before a request
	hasYielded  bool          // before the last one
	visit       *visit        // its request; nil: it is between two
}

func newClient(s *Server, conn net.Conn) *client {
	c := &client{server: s, conn: conn}
	c.reader = wire.NewReader(reading{c}, wire.Limits{})
	c.addr = hostOf(conn.RemoteAddr().String())
	c.local, c.port, _ = net.SplitHostPort(conn.LocalAddr().String())
	c.ends = c.addr + ", " + c.local
	_, c.tls = conn.(*tls.Conn)
	c.watch.client, c.watch.ended = c, make(chan struct{}, 1)
	return c
}

// ending is what becomes of a connection after a request.
type ending uint8

const (
	keptOpen  ending = iota
	closed           // at once
	lingering        // once the client has had time to read the answer
	broken           // so that half an answer does not look like a whole one
	givenAway        // to a tunnel
)

func (c *client) serve() {
	given := false
	defer c.server.remove(c)
	defer func() {
		if !given {
			c.conn.Close()
		}
	}()
	defer c.survive()
	if c.handshake() {
		if c.work() {
			c.serveHTTP2(nil)
		}
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
		case givenAway:
			given = true
			return
		}
	}
}

// survive is deferred: one request must not end all others, nor must a machine go on
// with one that nobody waits for.
func (c *client) survive() {
	if p := recover(); p != nil {
		c.life.End(nil)
		if c.visit != nil {
			c.visit.trip.slot.Release()
		}
		c.server.edge.cfg.Logger.Error("serving a request panicked", "panic", p, "stack", string(debug.Stack()))
	}
}

// carry is a tunnel's goroutine.
func (c *client) carry(t *trip) {
	defer c.conn.Close()
	defer t.slot.Release()
	defer c.survive()
	c.reader = nil // tunnels are many, and live for long
	t.carry()
}

// next waits for a request and serves it.
func (c *client) next() ending {
	if !c.rest() {
		return closed
	}
	c.clock.reads = betweenRequests
	if c.await() != nil || !c.work() {
		return closed
	}
	begun := time.Now()
	c.clock.reads = headBegins
	req, err := c.reader.ReadRequest()
	if err != nil {
		return c.refuse(err, begun)
	}
	c.clock.reads = unbounded
	return c.exchange(req, begun)
}

// await returns when a request begins. Of two times it yields once, not to keep those
// waiting who come by the poller, which is asked when nobody else wants to run.
func (c *client) await() error {
	if c.reader.Buffered() > 0 {
		return nil
	}
	if c.hasYielded = !c.hasYielded; c.hasYielded {
		c.yield.Before()
		defer c.yield.After()
	}
	return c.reader.Await()
}

// refuse answers what is no request, unless HTTP/2 begins with it.
func (c *client) refuse(err error, begun time.Time) ending {
	if errors.Is(err, wire.ErrHTTP2Preface) && !c.tls {
		return c.serveHTTP2(c.reader.Rest())
	}
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
		Edge: e.cfg.Region, Start: begun, Status: p.Status, Code: p.Code.String(), Problem: p.Detail,
	}
	rec.ID, _ = new(names).next(e.cfg.Region, begun)
	out := &wireSink{client: c, stall: c.server.times.stall, close: true}
	header, body := p.answer(nil, rec.ID)
	_ = out.begin(p.Status, header, int64(len(body))) // a head of ours can be written
	_ = out.write(body, true)                         // a client that has gone needs no answer
	rec.Duration = time.Since(begun)
	e.finish(rec)
	return lingering
}

// visit is one request of a client, and what it is answered with.
type visit struct {
	in     inbound
	out    wireSink
	trip   *trip
	upload *upload // room for its body; nil: none yet
	// motion outlives the request: a timer may look at it late.
	motion motion
	moved  func()
}

func newVisit(e *Edge) *visit {
	v := &visit{trip: newTrip(e)}
	v.motion.since, v.moved = time.Now(), v.motion.note
	return v
}

// exchange serves one request. Its memory serves the next one's, unless its life has
// ended, or a stream of HTTP/2 may still be looking at it. The sender of a body that has
// not ended keeps what it looks at.
func (c *client) exchange(req *wire.Request, begun time.Time) ending {
	v := c.server.visits.Get().(*visit)
	c.visit = v
	c.begin(v, req)
	cut := c.serveVisit(v, begun)
	c.visit = nil
	end := c.end(v, cut)
	if c.life.Untie() && !v.trip.streamed && !v.out.switched && v.trip.life.Err() == nil {
		v.leave()
		if c.server.spoil != nil {
			c.server.spoil(v)
		}
		c.server.visits.Put(v)
	}
	return end
}

// leave leaves what the sender of a body may still be looking at to that alone.
func (v *visit) leave() {
	if v.in.body != nil && !v.in.body.Free() {
		v.upload, v.trip.sending = nil, nil
	}
}

// begin makes v a visit of this client.
func (c *client) begin(v *visit, req *wire.Request) {
	path, _, _ := strings.Cut(req.Target, "?")
	in, out := &v.in, &v.out
	*in = inbound{
		ctx: &c.life, method: req.Method, target: req.Target, path: path, host: req.Host, header: req.Header,
		client: c.addr, local: c.local, port: c.port, ends: c.ends, tls: c.tls, motion: &v.motion, moved: v.moved,
	}
	out.begins(c, req)
	if req.Length == 0 {
		if !req.Close {
			in.upgrade = forward.Harmless(req.Upgrade)
		}
		c.watch.begin()
		return
	}
	c.boundless()
	in.length, in.expect = req.Length, req.Expect
	if v.upload == nil {
		v.upload = newUpload()
	}
	in.body = v.upload.begin(c, req, in.motion, out)
	out.body = in.body
}

// serveVisit serves a request, and returns when nobody reads the connection
// any more.
func (c *client) serveVisit(v *visit, begun time.Time) (cut bool) {
	if v.in.body != nil {
		defer c.clock.forget()
	}
	defer c.watch.end()
	if v.in.body != nil {
		defer v.in.body.Close()
	}
	v.trip.begin(&v.in, &v.out, begun)
	c.life.Tie(&v.trip.life)
	return v.trip.serve()
}

// end says what becomes of the connection.
func (c *client) end(v *visit, cut bool) ending {
	out := &v.out
	switch {
	case v.trip.pipe != nil:
		v.upload = nil // tunnels live for long
		go c.carry(v.trip)
		return givenAway
	case out.switched:
		return closed
	case cut && out.untilClose:
		return broken
	case cut || out.flush() != nil || c.life.Err() != nil:
		return closed
	case !c.reader.Body().Done() || out.close && c.reader.Buffered() > 0:
		return lingering
	case out.close:
		return closed
	}
	return keptOpen
}

// linger says that nothing more will come, and drops what is still sent: closed
// over unread bytes, the connection would be reset, which can overtake the answer.
func (c *client) linger() {
	if w, ok := c.conn.(interface{ CloseWrite() error }); !ok || w.CloseWrite() != nil {
		return
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(c.server.times.linger)) // an error shows at the read
	_, _ = io.Copy(io.Discard, c.conn)                                // ends with the client or the deadline
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
