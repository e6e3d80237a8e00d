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

// sip is what a tunnel holds for each direction while nothing comes. Most messages on
// most tunnels are smaller.
const sip = 512

// pour copies from one end to the other, and passes the end on.
func pour(to, from End) {
	// Without the wrapper a copy would splice, which holds two more descriptors
	// for each direction.
	err := copyTo(struct{ io.Writer }{to}, from)
	if err == nil && to.CloseWrite() == nil {
		return
	}
	to.Close()
	from.Close()
}

// copyTo copies in sips, and in draughts for as long as more comes than fits a sip.
func copyTo(to io.Writer, from io.Reader) error {
	small := make([]byte, sip)
	for {
		n, err := carry(to, from, small)
		if n == len(small) && err == nil {
			err = carryMuch(to, from)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func carryMuch(to io.Writer, from io.Reader) error {
	buf := pourBuffers.Get().(*[]byte)
	defer pourBuffers.Put(buf)
	for {
		n, err := carry(to, from, *buf)
		if n <= sip || err != nil {
			return err
		}
	}
}

// carry reads once, and writes what has come.
func carry(to io.Writer, from io.Reader, buf []byte) (int, error) {
	n, err := from.Read(buf)
	if n > 0 {
		if _, werr := to.Write(buf[:n]); werr != nil {
			return n, werr
		}
	}
	return n, err
}
