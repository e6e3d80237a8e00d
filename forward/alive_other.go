//go:build !unix

package forward

import "net"

// peek cannot tell here whether a connection is alive.
type peek struct{}

func (*peek) prepare(net.Conn) {}

func (*peek) silent() (alive, known bool) { return false, false }
