package homing

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// keeping is for how long a server keeps a connection on which nothing comes, as an edge
// is told.
type keeping struct {
	server *http.Server
	said   string // empty: for no time worth saying
}

// longKept is what is said of a server that never closes one.
const longKept = 5 * time.Minute

// tellKeeping tells an edge of ours for how long it may keep this connection. It would
// take four seconds for sure, and after that each write from afar would pay for a
// handshake, a round trip more.
func (v *visit) tellKeeping(h http.Header) {
	server, ok := v.r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok || v.r.ProtoMajor != 1 {
		return
	}
	k := v.site.kept.Load()
	if k == nil || k.server != server {
		k = keepingOf(server)
		v.site.kept.Store(k)
	}
	if k.said != "" {
		v.held.lines.set(h, "Keep-Alive", k.said)
	}
}

func keepingOf(server *http.Server) *keeping {
	idle := cmp.Or(server.IdleTimeout, server.ReadTimeout, longKept)
	if idle < time.Second {
		return &keeping{server: server}
	}
	return &keeping{server, fmt.Sprintf("timeout=%d", min(idle, longKept)/time.Second)}
}
