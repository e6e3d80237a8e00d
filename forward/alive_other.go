//go:build !unix

package forward

import "net"

// silent cannot tell here.
func silent(net.Conn) (alive, known bool) { return false, false }
