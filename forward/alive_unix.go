//go:build unix

package forward

import (
	"net"
	"syscall"
)

// peek looks whether a connection has anything to read, without waiting: a read deadline
// would answer for it. It is prepared once, since it is needed before each exchange.
type peek struct {
	raw  syscall.RawConn // nil: it cannot be told
	look func(fd uintptr) bool
	into [1]byte
	got  error
}

func (p *peek) prepare(nc net.Conn) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return // never of a connection that was just opened
	}
	p.raw = raw
	p.look = func(fd uintptr) bool {
		_, _, p.got = syscall.Recvfrom(int(fd), p.into[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	}
}

// silent reports whether the connection is open and has nothing to read, and whether that
// can be told.
func (p *peek) silent() (alive, known bool) {
	if p.raw == nil {
		return false, false
	}
	err := p.raw.Read(p.look)
	return err == nil && (p.got == syscall.EAGAIN || p.got == syscall.EWOULDBLOCK), true
}
