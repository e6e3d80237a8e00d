package forward

import (
	"context"
	"crypto/tls"
	"net"
)

// DialTLS returns a [Config.Dial] that speaks TLS, and HTTP/1.1 inside it. cfg is
// that of [tls.Dialer]; nil checks the machine's certificate against the system's
// roots. What it opens can tell whether it is alive, so that it may be used again for
// a request that must not be sent twice.
func DialTLS(cfg *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if cfg == nil {
		cfg = new(tls.Config)
	}
	cfg = cfg.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	dialer := &tls.Dialer{Config: cfg}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		t := tlsConn{c.(*tls.Conn), new(peek)}
		t.peek.prepare(t.NetConn())
		return t, nil
	}
}

// tlsConn is a connection that can be asked whether it is alive, although what is
// below TLS cannot be seen from outside.
type tlsConn struct {
	*tls.Conn
	peek *peek
}

// Alive reports whether nothing has come that nobody asked for, such as the alert
// with which the other side closes.
func (c tlsConn) Alive() bool {
	alive, known := c.peek.silent()
	return alive && known
}
