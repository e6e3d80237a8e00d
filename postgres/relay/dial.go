package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// errTaken ends pgx's own login, which the app does itself.
var errTaken = errors.New("relay: the connection is the app's")

// dial connects to the server as pgx would, TLS and fallbacks included, up to where the
// login would begin.
func dial(ctx context.Context, server *pgconn.Config) (net.Conn, error) {
	cfg := server.Copy()
	cfg.ValidateConnect, cfg.AfterConnect = nil, nil
	ctx, taken := context.WithCancel(ctx)
	defer taken()
	var got net.Conn
	wrap := cfg.AfterNetConnect
	cfg.AfterNetConnect = func(ctx context.Context, c *pgconn.Config, conn net.Conn) (_ net.Conn, err error) {
		if wrap != nil {
			if conn, err = wrap(ctx, c, conn); err != nil {
				return conn, err
			}
		}
		if secure, ok := conn.(*tls.Conn); ok { // pgx leaves that to the first byte
			if err := secure.HandshakeContext(ctx); err != nil {
				return conn, err
			}
		}
		got = conn
		taken() // pgx tries nothing further
		return kept{conn}, errTaken
	}
	_, err := pgconn.ConnectConfig(ctx, cfg)
	if got != nil {
		return got, nil
	}
	return nil, err
}

// kept is a connection that pgx cannot close.
type kept struct{ net.Conn }

func (kept) Close() error { return nil }

// again returns the configuration of the server at the other end of conn, whatever
// other hosts there are and whatever their names mean now.
func again(server *pgconn.Config, conn net.Conn) *pgconn.Config {
	cfg := server.Copy()
	at := conn.RemoteAddr()
	if at.Network() == "unix" { // whose address is not where to dial
		return cfg
	}
	to := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return to(ctx, at.Network(), at.String())
	}
	return cfg
}

// closeWrite says that nothing more comes.
func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		return
	}
	conn.Close()
}

// cut closes conn at once: TLS would say goodbye to somebody who may not read.
func cut(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	conn.Close()
}
