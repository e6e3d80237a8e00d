// Package sqlite is the engine for SQLite: a database file on each machine, one
// of them the primary's, the others replicas that follow it.
//
// The primary's changes are captured from its WAL by Litestream, as numbered LTX
// files, and streamed by [DB.Feed]. A replica writes their pages into a file of
// its own, one SQLite transaction for each LTX file, so that a reader sees each
// of the primary's states whole or not at all. A replica's file is an ordinary
// WAL database, opened mode=ro: any tool may read it, and SQLite itself refuses
// writes to it.
//
//	db, err := sqlite.Open(ctx, sqlite.Config{Path: "app.db", Role: machine.Primary})
//	go http.Serve(listener, db.Feed())   // for the replicas
//	rows, err := db.SQL().QueryContext(r.Context(), "…")
//
// Calls through [DB.SQL] leave marks on the request's trail (package trail), if
// they are given the request's context.
//
// # Positions and epochs
//
// A position is the number of an LTX file, in 16 lower-case hexadecimal digits,
// so that of two positions the later one is the greater string. Many commits may
// share one number: compare positions, never count them. The numbers start anew
// when the capture is lost or does not continue (the file was deleted or
// replaced, or lost commits in a power failure); a new random epoch is drawn then.
//
// # What is created next to the file
//
// A primary keeps its captured changes in a folder ".NAME-homing". Litestream
// adds two small tables, _litestream_seq and _litestream_lock, to the database;
// the WAL is not removed while the database is closed. A replica writes
// "NAME-homing" when it is closed and removes it when it is opened: it says which
// position the file is at, and without it the replica begins with a snapshot.
// Both have an empty "NAME-homing.lock", which keeps a second process out and may
// be left where it is.
// No other program may checkpoint the primary's file, Litestream's own included;
// what others write to it is captured within a second.
//
// # Dependencies
//
//   - modernc.org/sqlite: SQLite without cgo, with the sqlite_dbpage table
//     through which a replica's pages are written.
//   - github.com/benbjohnson/litestream: reading a WAL while others write and
//     checkpoint it took that project years to get right. Its Go API is not
//     promised stable: only capture.go imports it. It registers its metrics
//     in Prometheus' default registry, for each open database, until closed.
//   - github.com/superfly/ltx and github.com/pierrec/lz4: the header and the
//     compression of the files that Litestream writes (ltx.go).
package sqlite
