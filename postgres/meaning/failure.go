// Package meaning knows what a PostgreSQL server's answers mean for the request that
// asked: an error's SQLSTATE says who refused what, a command tag says what was done.
// Whoever sees a server's answers, as a driver's hook or on the wire, reads them here.
//
//	meaning.OfState("25006")      // ReadOnly
//	meaning.OfTag("INSERT 0 1")   // Changed
//	meaning.OfText("begin")       // Unchanged
package meaning

import "strings"

// Failure is what an error may say about the server that a request was answered by.
type Failure uint8

const (
	// Nothing: the error is the app's own, and would be the same at any server.
	Nothing Failure = iota
	// ReadOnly: a write was refused, by a replica or in a read-only transaction.
	ReadOnly
	// Unsupported: among much else, a transaction that a replica refuses to begin,
	// because it may write or is serializable.
	Unsupported
	// Cancelled: a serialization failure or a deadlock. On a replica, where neither
	// can happen by itself, replication is what it collided with.
	Cancelled
	// Away: the server cannot serve this, or nobody knows what became of it.
	Away
)

// OfState returns what an error with this SQLSTATE means. See PostgreSQL's
// documentation, appendix A. 25P02 says that an earlier error was left unheeded,
// which has been seen. 57014 is the caller's own doing.
func OfState(state string) Failure {
	switch state {
	case "25006": // read_only_sql_transaction
		return ReadOnly
	case "0A000": // feature_not_supported
		return Unsupported
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return Cancelled
	case "XX001", "XX002": // data_corrupted, index_corrupted: of this copy
		return Away
	}
	// Connection exceptions (also all that PgBouncer says), shutdown and startup,
	// errors of the disk below.
	for _, class := range []string{"08", "57P", "58"} {
		if strings.HasPrefix(state, class) {
			return Away
		}
	}
	return Nothing
}
