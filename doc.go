// Package homing is what an app imports to run in several regions with one
// writable database. It stands in front of the app's handler and decides for
// each request whether to serve it here, from the replica in this region; to wait
// until that replica has what the client wrote before; or to send the whole
// request home, to the region of the primary.
//
//	env, err := homing.FromEnv()
//	…
//	site, err := homing.New(homing.Config{Env: env, Database: db})
//	…
//	srv := &http.Server{Addr: env.Addr(), Handler: site.Handler(mux)}
//
// Where no region is configured, [Site.Handler] returns the handler as it is:
// tests and a plain "go run" need nothing.
//
// # What is decided, in this order
//
//   - The database here is the primary: serve. The answer to a request that may
//     have written carries its position, as a cookie and as the header
//     Homing-Position.
//   - There is no replica to read here: home.
//   - The request writes, by its method (all but GET, HEAD, OPTIONS and TRACE) or
//     because of [Config.WriteRoutes]: home.
//   - The client has written something that the replica has not got: wait for it,
//     for no longer than the way home takes, then home.
//   - Otherwise serve, and hold the answer back until the handler is done. If the
//     database refused a write meanwhile, the answer is dropped and the request
//     goes home, where it runs from its beginning.
//
// Home is an answer with the header fly-replay, which the proxy in front carries
// out: Fly's, or an edge of ours. It never reaches the client.
//
// # Where nobody in front replays
//
// Behind nginx, a cloud's load balancer or Kubernetes the handler sends the request
// home itself, and passes the answer on: with HOMING_REPLAY=forward, HOMING_PRIMARY_URL
// (where the primary is reached) and HOMING_SECRET (the same in every region). A body
// that the app has not read streams, whatever its size; one that it read before the
// database refused a write is kept for that, up to 10 MiB. A write is sent once: where
// nobody knows whether it was carried out, the client is told so, with 502 and
// Homing-Outcome: unknown. What is sent is signed, and never sent on: two regions that
// each take the other for the primary get 508, and a line in the log. The wire's side
// of it is in the package homing/homeward.
//
// On Fly, whose proxy does not replay bodies of more than 1 MB, larger ones go this way
// by themselves, over the private network, once there is a secret.
//
// # The database
//
// The database's side is a [Database], such as homing/postgres and homing/sqlite have;
// its driver marks what a request did, so that handlers need not say. A write that a
// request can do without is made with [TolerateRefusal].
//
// # What handlers and workers may say
//
// [Writes] marks a handler that writes on GET, [GoHome] asks for the primary half-way.
// [Token] goes with a job into a queue, and the worker calls [Site.Wait] with it before
// it reads. [Site.WhilePrimary] runs what must run once, where the primary is.
//
// # Before there are regions, and to be rid of them
//
// With HOMING_MODE=observe an app that runs in one region stays byte for byte what it
// is, and [Site.Report] says from its real requests what more regions would bring: what
// could be answered near its client, what would be sent home and why, and how long it
// would take. With HOMING_MODE=off the app is as if Homing were not there.
//
// # When the primary moves
//
// Behind an edge of ours an app follows a primary that is promoted in another region,
// without a deploy or a restart: machines tell the edge what their database is, and
// the edge tells them where the primary is. A primary that was replaced serves
// nothing. Elsewhere PRIMARY_REGION counts. [Site.Health] is for a machine's check.
package homing
