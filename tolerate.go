package homing

import (
	"context"

	"homing/trail"
)

// TolerateRefusal returns a context for a write that the request can do without,
// such as "last seen": refused on a replica, it fails there, and does not send the
// request home.
//
//	_, err := db.ExecContext(homing.TolerateRefusal(r.Context()), "update users set last_seen = now() where id = $1", id)
//
// Do not use it within a transaction that does other things: there a refused
// statement spoils all that follows.
func TolerateRefusal(ctx context.Context) context.Context { return trail.Tolerate(ctx) }
