//go:build !unix

package forward

import "net"

// silent cannot tell here, so that such a connection is not used again for a
// request that must not be sent twice.
func silent(net.Conn) bool { return false }
