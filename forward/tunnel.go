package forward

import (
	"errors"
	"time"
)

// Tunnel is a connection to a machine that has switched protocols (RFC 9110
// §7.8): bytes, no longer messages. It does not end with the context of its
// exchange, but when it is closed, and is never used for anything else. One
// goroutine may read while another writes.
type Tunnel struct {
	exchange *exchange
	ahead    []byte // what came with the 101 and was not read yet
}

// Read returns what the machine sends, beginning with what came behind its 101.
func (t *Tunnel) Read(p []byte) (int, error) {
	if len(t.ahead) > 0 {
		n := copy(p, t.ahead)
		t.ahead = t.ahead[n:]
		return n, nil
	}
	return t.exchange.conn.Conn.Read(p)
}

// Write sends p to the machine.
func (t *Tunnel) Write(p []byte) (int, error) { return t.exchange.conn.Conn.Write(p) }

// CloseWrite tells the machine that nothing more will come, and goes on reading.
// It fails with [errors.ErrUnsupported] where a connection cannot do that.
func (t *Tunnel) CloseWrite() error {
	if c, ok := t.exchange.conn.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetDeadline bounds reads and writes, as on a [net.Conn].
func (t *Tunnel) SetDeadline(d time.Time) error { return t.exchange.conn.SetDeadline(d) }

// Close closes the connection.
func (t *Tunnel) Close() error {
	t.exchange.drop()
	return nil
}
