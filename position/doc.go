// Package position says how far a database has got, and lets a request wait
// until a replica has got as far as its user has seen.
//
// A [Position] is a place in a database's log, in its engine's own text: an LSN,
// a GTID set, a transaction ID. It means something only within one [Epoch], a
// line of history that begins at each promotion. A [Token] is both, as a client
// carries them between a write and its next read; [Keys] sign it. A [Tracker]
// holds what a replica has reached and wakes who waits for it.
//
// # A token on the wire
//
//	1.ENGINE.EPOCH.POSITION             unsigned
//	1.ENGINE.EPOCH.POSITION.KEY.MAC     signed
//	1.window..UNIXMILLI[.KEY.MAC]       "home until then", instead of a position
//
// Fields hold letters, digits, "-", "_", "~" and ":"; any other byte is written
// as %XX. KEY names one of several secrets by two hexadecimal digits of its
// hash, so that a secret can be rotated; MAC is 128 bits of HMAC-SHA256 over all
// that stands before it, in base64url. The whole is at most [MaxTokenLen] bytes
// and may stand in a cookie or a header without quoting. To clients it is opaque.
package position
