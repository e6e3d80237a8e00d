package edge

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// TLS returns cfg, as a copy, so that clients may choose HTTP/2 (ALPN, RFC 9113
// §3.2), for a listener that [Server.Serve] is given. What else cfg offers, such as
// "acme-tls/1", stays. A nil cfg is an empty one. Where cfg.GetConfigForClient
// returns another, that one needs the same.
func (s *Server) TLS(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		cfg = new(tls.Config)
	}
	cfg = cfg.Clone()
	ours := func(name string) bool { return name == "h2" || name == "http/1.1" }
	others := slices.DeleteFunc(slices.Clone(cfg.NextProtos), ours)
	cfg.NextProtos = append([]string{"h2", "http/1.1"}, others...)
	return cfg
}

// Limits of a head, as package wire has them for HTTP/1.1.
const (
	maxHead   = 64 << 10
	maxFields = 200
)

// http2Front has net/http serve the connections that speak HTTP/2. It is the
// listener that net/http accepts them from.
type http2Front struct {
	front  *Server
	server *http.Server
	start  sync.Once
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once

	mu     sync.Mutex
	handed map[net.Conn]*handedOver
}

// handedOver is a client whose connection net/http has.
type handedOver struct {
	client *client
	ended  chan struct{}
}

func newHTTP2Front(s *Server) *http2Front {
	f := &http2Front{
		front: s, server: new(http.Server),
		conns: make(chan net.Conn), closed: make(chan struct{}), handed: make(map[net.Conn]*handedOver),
	}
	f.server.Handler = http.HandlerFunc(f.handle)
	f.server.ErrorLog = slog.NewLogLogger(s.edge.cfg.Logger.Handler(), slog.LevelDebug) // what a client can cause
	f.server.ConnContext = f.connContext
	f.server.ConnState = f.connState
	f.server.BaseContext = func(net.Listener) context.Context { return s.ctx }
	f.server.Protocols = new(http.Protocols)
	f.server.Protocols.SetHTTP2(true)
	f.server.Protocols.SetUnencryptedHTTP2(true)
	return f
}

// serve returns when conn, of client c, has ended.
func (f *http2Front) serve(c *client, conn net.Conn) {
	h := &handedOver{client: c, ended: make(chan struct{})}
	f.mu.Lock()
	f.handed[conn] = h
	f.mu.Unlock()
	f.start.Do(f.begin)
	select {
	case f.conns <- conn:
		<-h.ended
	case <-f.closed:
		f.connState(conn, http.StateClosed)
	}
}

// begin starts net/http's server, which most edges do without.
func (f *http2Front) begin() {
	t := f.front.times
	f.server.IdleTimeout, f.server.ReadHeaderTimeout = t.idle, t.head
	f.server.MaxHeaderBytes = maxHead
	f.server.HTTP2 = &http.HTTP2Config{
		// A body that is not read is held in these. Were the second not larger, one
		// such body would keep all others on the connection from coming.
		MaxReceiveBufferPerStream:     256 << 10,
		MaxReceiveBufferPerConnection: 4 << 20,
		MaxReadFrameSize:              64 << 10,
		// Ends a connection whose client is gone, or does not end a head.
		SendPingTimeout:  3 * t.head,
		PingTimeout:      t.head,
		WriteByteTimeout: t.stall,
	}
	go f.server.Serve(f) // until it is shut down or closed
}

// Accept is for net/http.
func (f *http2Front) Accept() (net.Conn, error) {
	select {
	case conn := <-f.conns:
		return conn, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close is for net/http; see shutDown.
func (f *http2Front) Close() error {
	f.close.Do(func() { close(f.closed) })
	return nil
}

// Addr is for net/http, which has no use for it.
func (f *http2Front) Addr() net.Addr { return nowhere{} }

type nowhere struct{}

func (nowhere) Network() string { return "handed over" }
func (nowhere) String() string  { return "handed over" }

// goAway tells clients to send nothing more (GOAWAY) and returns at once. Called
// once it could miss a connection that is just beginning.
func (f *http2Front) goAway() {
	past, cancel := context.WithCancel(context.Background())
	cancel()
	_ = f.server.Shutdown(past) // says only that it was not waited for
}

// clientKey is for the client in the context of a request.
type clientKey struct{}

func (f *http2Front) connContext(ctx context.Context, conn net.Conn) context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	return context.WithValue(ctx, clientKey{}, f.handed[conn].client)
}

func (f *http2Front) connState(conn net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h, ok := f.handed[conn]; ok && state == http.StateClosed {
		delete(f.handed, conn)
		close(h.ended)
	}
}

func (f *http2Front) handle(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				f.front.edge.cfg.Logger.Error("serving a request panicked", "panic", p, "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}
	}()
	f.front.edge.ServeHTTP(w, r)
}

// handshake is done with TLS, and reports whether the client then speaks HTTP/2.
// An error shows at the next read.
func (c *client) handshake() (http2 bool) {
	conn, ok := c.conn.(*tls.Conn)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(c.server.ctx, c.server.times.head)
	defer cancel()
	return conn.HandshakeContext(ctx) == nil && conn.ConnectionState().NegotiatedProtocol == "h2"
}

// serveHTTP2 serves a connection to its end, on which the bytes ahead have come.
func (c *client) serveHTTP2(ahead []byte) ending {
	conn := c.conn
	if ahead != nil {
		conn = &preread{Conn: conn, ahead: ahead}
	}
	c.reader = nil                    // and its buffer
	_ = conn.SetDeadline(time.Time{}) // an error shows at the next read
	c.server.http2.serve(c, conn)
	return closed
}

// preread is a connection of which something was read.
type preread struct {
	net.Conn
	ahead []byte
}

func (p *preread) Read(b []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(b, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
