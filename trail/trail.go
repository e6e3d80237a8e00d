// Package trail carries what one request did to its database, from the
// database's hooks to the handler in front of the app, as marks in the
// request's context.
//
// The handler starts a trail and passes its context on; a hook (a driver
// wrapper, a tracer) marks whatever trail it finds, and does nothing where
// there is none. The app in between need not know:
//
//	ctx, t := trail.Start(r.Context())
//	app.ServeHTTP(w, r.WithContext(ctx))
//	if t.Has(trail.Refused) { … } // the database refused a write
package trail

import (
	"context"
	"sync/atomic"
)

// Mark is one thing that happened to a request's database.
type Mark uint32

const (
	// Wrote: a transaction that may have changed data was committed.
	Wrote Mark = 1 << iota
	// Refused: the database refused a write because it is a replica.
	Refused
	// Conflict: the replica cancelled a read because of replication, or could
	// not serve it; the primary can. On a primary: it could not be reached, and was
	// sent nothing.
	Conflict
	// Lost: the primary went away while it was at work for this request. Nobody knows
	// whether that took effect.
	Lost
)

// Trail is the marks of one request. It is safe for concurrent use, since
// handlers query from several goroutines. A nil *Trail has no marks and
// ignores new ones.
type Trail struct{ marks atomic.Uint32 }

type trailKey struct{}

// Start returns a context that carries a new trail, and the trail.
func Start(ctx context.Context) (context.Context, *Trail) {
	t := new(Trail)
	return context.WithValue(ctx, trailKey{}, t), t
}

// IsKey reports whether key is what [From] asks a context's Value for. It is for a
// context of another kind, which returns a *Trail of its own for it.
func IsKey(key any) bool {
	_, ok := key.(trailKey)
	return ok
}

// From returns the trail that ctx carries, or nil.
func From(ctx context.Context) *Trail {
	t, _ := ctx.Value(trailKey{}).(*Trail)
	return t
}

type tolerant struct{}

// Tolerate returns a context in which a refused write leaves no mark: the caller
// can do without it.
func Tolerate(ctx context.Context) context.Context {
	return context.WithValue(ctx, tolerant{}, true)
}

// Tolerates reports whether ctx comes from [Tolerate]. A hook that would have to ask
// the database what a refusal means need not.
func Tolerates(ctx context.Context) bool { return ctx.Value(tolerant{}) != nil }

// Leave adds m to the trail that ctx carries, if any, and if ctx does not tolerate
// it.
func Leave(ctx context.Context, m Mark) {
	if m&Refused != 0 && Tolerates(ctx) {
		m &^= Refused
	}
	From(ctx).Leave(m)
}

// Leave adds m.
func (t *Trail) Leave(m Mark) {
	if t != nil {
		t.marks.Or(uint32(m))
	}
}

// Has reports whether any of the marks in m was left.
func (t *Trail) Has(m Mark) bool { return t != nil && t.marks.Load()&uint32(m) != 0 }
