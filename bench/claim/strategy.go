package claim

import "slices"

// Strategy is one way for an app with users far from its primary.
type Strategy string

// The ways that are compared.
const (
	// Remote: the app runs near its users, and each query crosses to the primary.
	Remote Strategy = "remote"
	// Split: it reads from the replica beside it, and the queries of a request that
	// writes cross to the primary.
	Split Strategy = "split"
	// Replay: it reads from the replica beside it, and a request that writes is sent to
	// the primary's region as a whole. A reader waits for what they wrote themselves.
	Replay Strategy = "replay"
	// Window: as Replay, but nobody waits; whoever has written reads at the primary for
	// five seconds.
	Window Strategy = "window"
	// Batch: as Remote, but all queries of a request are sent at once. An app can do
	// that only where no query needs the answer of another.
	Batch Strategy = "batch"
	// Single: there is no app near the users. Each request crosses to the one region that
	// has it, on a connection that is kept open.
	Single Strategy = "single"
)

// Strategies returns all of them, in the order in which they are shown.
func Strategies() []Strategy { return []Strategy{Remote, Split, Replay, Window, Batch, Single} }

// Words is what a strategy does, for a table's row. What crosses is the distance to the
// primary's region.
func (s Strategy) Words() string {
	return map[Strategy]string{
		Remote: "no replica: every query crosses",
		Split:  "replica: a write's queries cross",
		Replay: "Homing: a write's request crosses",
		Window: "Homing, with a time window instead",
		Batch:  "no replica: one batch crosses",
		Single: "one region: every request crosses",
	}[s]
}

// Short is the same for a table's column.
func (s Strategy) Short() string {
	return map[Strategy]string{
		Remote: "every query crosses", Split: "a write's queries cross", Replay: "a write's request crosses (Homing)",
		Window: "Homing, time window", Batch: "one batch crosses",
		Single: "every request crosses",
	}[s]
}

// isHomings reports whether the handler of package homing decides.
func (s Strategy) isHomings() bool { return s == Replay || s == Window }

// What is what somebody does.
type What string

// What is measured.
const (
	Write What = "write" // a request that writes
	Own   What = "own"   // a read by the same client, right after the answer to its write
	Read  What = "read"  // a read by somebody who has written nothing

	warmWrite What = "warm-write" // opens connections, and is not counted
	warmRead  What = "warm-read"
)

var whats = []What{Write, Own, Read}

func (w What) writes() bool { return w == Write || w == warmWrite }

// Words is what a table is about.
func (w What) Words() string {
	return map[What]string{Write: "a write", Own: "a read right after one's own write", Read: "any other read"}[w]
}

// trips is how many round trips to the primary it should take, of k queries.
func (s Strategy) trips(w What, k int) int {
	switch {
	case w == Write && slices.Contains([]Strategy{Remote, Split}, s):
		return statements(k)
	case w != Write && s == Remote:
		return k
	case s == Batch, s == Single, w == Write, s == Window && w == Own:
		return 1
	default:
		return 0
	}
}

// statements is how many a write of k queries takes: a single one needs no transaction
// around it.
func statements(k int) int {
	if k == 1 {
		return 1
	}
	return k + 2
}
