package homing

import (
	"context"
	"net/http"

	"homing/machine"
	"homing/trail"
)

// GoHome asks for the request of ctx to run at the primary, from its beginning, for a
// handler that knows better than its method: one that is about to charge a card, say,
// on what may be an old price. True means that it will: the handler should return then,
// and what it has answered is dropped.
//
//	if homing.GoHome(r.Context()) {
//		return
//	}
//
// It is false at the primary and without regions, and also where it is too late: the
// request has written already, or its answer has begun; the log says so. It may be
// called from several goroutines.
func GoHome(ctx context.Context) bool {
	v := visitOf(ctx)
	return v != nil && v.askHome()
}

// Writes marks a handler whose requests write although their method does not say so,
// such as a GET that logs out, like [Config.WriteRoutes] but beside the handler: away
// from the primary they are sent home before it runs. Mounted within [Site.Handler].
func Writes(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := visitOf(r.Context()); v != nil {
			v.marked.Store(true)
			if v.askHome() {
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// visitKey is where a request's context carries its visit.
type visitKey struct{}

// visitOf returns the visit that ctx belongs to, or nil.
func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// askHome notes that the handler wants its request at the primary, and reports whether
// it will go there.
func (v *visit) askHome() bool {
	switch {
	case v.made.Role == machine.Primary:
		return false
	case v.trail.Has(trail.Wrote | trail.Lost), v.held.hasLeft():
		v.tellLate("a handler asked to run at the primary after it had written or its answer had begun")
		return false
	}
	v.asked.Store(true)
	return true
}

// mayWrite reports whether the request writes by its method, its route or its
// handler's mark.
func (v *visit) mayWrite() bool { return v.writes || v.marked.Load() }
