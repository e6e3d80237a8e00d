//go:build unix

package forward

import (
	"net"
	"syscall"
)

// silent reports whether the connection is open and has nothing to read, and
// whether that can be told. The kernel is asked without waiting: a read deadline
// would answer for it.
func silent(nc net.Conn) (alive, known bool) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return false, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false, true
	}
	var peek [1]byte
	var got error
	err = raw.Read(func(fd uintptr) bool {
		_, _, got = syscall.Recvfrom(int(fd), peek[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	return err == nil && (got == syscall.EAGAIN || got == syscall.EWOULDBLOCK), true
}
