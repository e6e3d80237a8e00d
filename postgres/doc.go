// Package postgres makes an app's PostgreSQL known to package homing: a pool to the
// database of this machine's region, its role, how far it has got, and hooks that
// tell what each request did to it. Apps on pgx and on database/sql are served alike.
//
//	cfg, err := postgres.ParseConfig(env.Env)
//	…
//	db, err := postgres.Open(ctx, cfg)
//	…
//	site, err := homing.New(homing.Config{Env: env, Database: db})
//	app := newApp(db.Pool()) // or db.SQL()
//
// # Positions
//
// A position is a place in the write-ahead log: on the primary what was flushed last,
// on a replica what was replayed last. They are compared within one epoch, which is
// the cluster's system identifier and the timeline: a promotion begins a new one. On a
// replica the timeline comes from the control file, which may be behind for a while
// after a promotion; requests with newer tokens then go home.
//
// A server that does not tell its position (Aurora, or a user without the right) makes
// a client's reads go home for a while after each write. Run [HeartbeatSQL] there and set
// HOMING_HEARTBEAT=homing_heartbeat, and a table's row tells it instead: a request that
// writes advances it, and replicas have what was written when they have the row. Nothing
// advances it otherwise, so it does not tell how far a replica is behind; and
// what others wrote counts, for clients with session consistency, from the next such
// request on. There each read at the primary advances it too.
//
// One connection looks at the database once a second, and more often only while
// somebody waits. It is not of the app's pool, so that a busy app cannot keep it from
// being seen. On a replica from PostgreSQL 19 on there is a second one while there are
// waits: it stands at the server, by WAIT FOR LSN, until the first of the positions that
// are waited for is reached, and nothing is asked again and again. Behind PgBouncer the
// server is asked as before: a statement that waits would keep one of its connections
// from the app.
//
// # What is not seen
//
// Marks are left for all that goes through pgx's connections or database/sql with the
// request's context, and for calls without one inside a transaction that was begun with
// it. Not seen are calls without a context elsewhere, and what goes through a
// *pgconn.PgConn. A SELECT whose function writes does not show by its command tag on the
// primary; a request that writes so by GET should be marked as a write route, or its
// client may read an older page afterwards. Advisory locks are granted on a replica,
// and exclude nobody elsewhere.
//
// # Behind PgBouncer
//
// In transaction mode everything here works as without it. Set its query_wait_timeout
// to a few seconds: while a server is away it keeps those waiting who ask, for two
// minutes by default, and nobody can tell such a request anything. What waits there when
// an old primary comes back is carried out by that one.
package postgres
