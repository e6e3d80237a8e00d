package forward

import (
	"strconv"
	"strings"
	"time"

	"homing/wire"
)

// longestIdle bounds what a machine can ask to be kept: what is between may forget a
// connection on which nothing moves.
const longestIdle = 5 * time.Minute

// mayIdle returns how long a connection may be idle by the machine's word, "Keep-Alive:
// timeout=5" (RFC 2068 §19.7.1.1; Node says so), less a second, so that nothing is
// written while it is just being closed. 0: it says nothing, or nothing that can be read.
func mayIdle(h wire.Header) time.Duration {
	for param := range h.Tokens("Keep-Alive") {
		name, value, _ := strings.Cut(param, "=")
		if !wire.SameName(strings.TrimSpace(name), "timeout") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
		if err != nil {
			return 0
		}
		return max(time.Nanosecond, min(time.Duration(seconds)*time.Second-time.Second, longestIdle))
	}
	return 0
}
