package position

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"homing/machine"
)

// Position is a place in a database's log, in the engine's own text. The zero
// value names no place and is reached by every database. Positions are compared
// only by the engine that wrote them, and only within one [Epoch]; the question
// is always "does this cover that?", since some engines order them only partly.
type Position string

// Epoch names one line of a database's history. It changes at every promotion,
// and whenever positions start anew. The zero value means "not known". Some engines
// can tell which of two is newer, see [Epoch.Compare].
type Epoch string

// State is what a database is at one moment.
type State struct {
	Engine string       // "sqlite", "postgres", …; names how positions are written
	Role   machine.Role // zero: no database that can be read
	Epoch  Epoch
}

// Compare orders two epochs of one history: negative if e is older than other, 0 if
// they are the same. Epochs written "HISTORY:NUMBER" have an order where the history
// is the same and the number is one; ok is false for all others that differ.
func (e Epoch) Compare(other Epoch) (order int, ok bool) {
	if e == other {
		return 0, true
	}
	mine, n, ok1 := e.split()
	others, m, ok2 := other.split()
	if !ok1 || !ok2 || mine != others {
		return 0, false
	}
	return cmp.Compare(n, m), true
}

// split returns an epoch's history and number.
func (e Epoch) split() (history string, number uint64, ok bool) {
	history, text, ok := strings.Cut(string(e), ":")
	if !ok {
		return "", 0, false
	}
	number, err := strconv.ParseUint(text, 10, 64)
	return history, number, err == nil
}

// Lag is how far a replica is behind its primary, as far as it can tell itself. The
// zero value says that nothing is known.
type Lag struct {
	Known  bool
	Behind time.Duration // since what it shows was the newest; 0: it has all that it knows of
	Bytes  int64         // of log received and not yet shown; -1: not known
}
