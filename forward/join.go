package forward

import (
	"errors"
	"io"
	"net"
	"sync"
)

// End is one end of a tunnel: a [*Tunnel], or a client's connection.
type End interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// NewEnd returns the end of a connection that a server has given away. ahead reads
// what the server had read too much, and then the connection.
func NewEnd(conn net.Conn, ahead io.Reader) End { return &givenAway{conn, ahead} }

type givenAway struct {
	net.Conn
	ahead io.Reader
}

func (c *givenAway) Read(p []byte) (int, error) { return c.ahead.Read(p) }

func (c *givenAway) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Join copies in both directions until both have ended. An end that closes its
// half of the connection may still be answered; one that breaks ends both.
func Join(a, b End) {
	var wait sync.WaitGroup
	wait.Go(func() { pour(a, b) })
	pour(b, a)
	wait.Wait()
}

var pourBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// pour copies from one end to the other, and passes the end on.
func pour(to, from End) {
	buf := pourBuffers.Get().(*[]byte)
	defer pourBuffers.Put(buf)
	// Without the wrappers io.Copy would splice, which holds two more descriptors
	// for each direction.
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, *buf)
	if err == nil && to.CloseWrite() == nil {
		return
	}
	to.Close()
	from.Close()
}
