package homing

import (
	"context"

	"homing/position"
)

// Database is what the handler has to know of the app's database in this region.
// The engines (homing/sqlite and others) implement it; its methods are safe for
// concurrent use. Whoever writes another engine can test it with
// homing/position/positiontest.
type Database interface {
	// State returns the database's role and epoch now. It does no I/O.
	State() position.State
	// Position returns, on a primary, a place that covers every commit that
	// ended before the call; on a replica, the place that new reads see, without
	// I/O.
	Position(ctx context.Context) (position.Position, error)
	// Wait returns nil as soon as new reads see everything that p names; an
	// error if ctx ends before, or if p is not a position of this engine.
	Wait(ctx context.Context, p position.Position) error
}
