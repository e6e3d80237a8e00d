// Package pgtest runs real PostgreSQL clusters for tests: a primary and its
// streaming replicas, with PgBouncer in front of them if wanted, from nothing in
// about a second.
//
//	func TestGuestbook(t *testing.T) {
//		c := pgtest.Start(t, pgtest.Config{Replicas: 2})
//		pool, err := pgxpool.New(t.Context(), c.Primary().URL())
//		…
//	}
//
// A replica can be kept behind in two ways: [Server.HoldReplay] lets it receive
// changes and not show them, [Server.HoldStream] cuts it off from the server it
// follows, and [Server.DelayStream] puts a distance between the two. Servers can
// be stopped, killed, promoted, pointed at another primary and rebuilt.
//
// Starting a cluster costs most; many tests of a package can share one, each with
// a database of its own:
//
//	var shared = sync.OnceValues(func() (*pgtest.Cluster, error) {
//		return pgtest.New(context.Background(), pgtest.Config{Replicas: 1})
//	})
//
//	func TestVisits(t *testing.T) {
//		t.Parallel()
//		c, err := shared()
//		…
//		db := c.NewDatabase(t)
//		pool, err := pgxpool.New(t.Context(), db.URL(c.Primary()))
//		…
//	}
//
// A test that holds, stops or promotes a server needs a cluster of its own.
//
// # What it needs
//
// The programs of PostgreSQL 14 or newer, from PATH or Debian's
// /usr/lib/postgresql, the newest there; and pgbouncer where it is asked for. What
// is missing fails the test: a test that skips itself says nothing. PostgreSQL does
// not run as root: for root the servers run as the user postgres, else nobody.
//
// PATH so chooses the versions: with the folder that scripts/newer-servers prints in
// front, they are the newest that Debian has ("make test-newer").
//
// # PgBouncer
//
// It runs in transaction mode, one in front of each server. Before version 1.21
// (Debian 12 has 1.18) it cannot keep prepared statements, which pgx uses by
// default: the URLs then carry default_query_exec_mode=exec, which pgx reads and
// other drivers do not know. Whoever builds a pgx configuration without these URLs
// sets [pgx.QueryExecModeExec] or [pgx.QueryExecModeSimpleProtocol]. While a server is
// away its PgBouncer keeps clients waiting for 5 s, not for two minutes as by default.
//
// # Deliberate limits
//
// For tests only: fsync, full_page_writes and autovacuum are off, buffers are
// small, and what a cluster held is gone after the test. Servers listen on
// 127.0.0.1 with passwords and without TLS. The database "app" takes the place of
// "postgres", which does not exist.
//
// Nothing outlives the test process, however it ends: on Linux the kernel stops
// the servers with it, and a small shell process removes the folders. Elsewhere a
// server ends within a minute after its folder is gone.
package pgtest
