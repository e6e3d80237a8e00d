package position

import "homing/machine"

// Position is a place in a database's log, in the engine's own text. The zero
// value names no place and is reached by every database. Positions are compared
// only by the engine that wrote them, and only within one [Epoch]; the question
// is always "does this cover that?", since some engines order them only partly.
type Position string

// Epoch names one line of a database's history. It changes at every promotion,
// and whenever positions start anew. The zero value means "not known".
type Epoch string

// State is what a database is at one moment.
type State struct {
	Engine string       // "sqlite", "postgres", …; names how positions are written
	Role   machine.Role // zero: no database that can be read
	Epoch  Epoch
}
