// Package homingtest runs an app in several regions inside the app's own tests: an
// edge, a machine and a replicated database in each, on loopback. What replication
// lag does to the app, which one machine and one database never show, so becomes
// visible where its other mistakes are found.
//
//	func TestASignatureIsSeen(t *testing.T) {
//		w := homingtest.Start(t, homingtest.World{Regions: "ord gru ams", App: newApp, Prepare: migrate})
//		w.HoldReplication("gru") // from now on São Paulo hears of nothing
//
//		ana := w.Client("gru")
//		ana.PostForm("/entries", url.Values{"text": {"hello"}})
//		if got := ana.Get("/entries"); !strings.Contains(got.Body, "hello") {
//			t.Errorf("Ana does not see what she wrote: %v", got.Journey)
//		}
//		if at := w.Last(); at.Region != "ord" || at.Reason != decision.Stale {
//			t.Errorf("it should have been read at home: %v", at)
//		}
//	}
//
// newApp makes the app of one machine, as main does for the real one. Homing's
// handler belongs to the app, and is tested with it:
//
//	func newApp(m homingtest.Machine) (http.Handler, error) {
//		site, err := homing.New(homing.Config{
//			Env: m.Env, Database: m.Database, Logger: m.Logger,
//			WriteRoutes: []string{"GET /logout"},
//		})
//		if err != nil {
//			return nil, err
//		}
//		return site.Handler(newMux(m.SQL)), nil // m.Pool, for pgx
//	}
//
// # What to look for
//
//   - Hold replication back, write and read as one [Client]: it must see its write,
//     whatever the app keeps in caches, in memory or in goroutines of its own.
//   - Read as another client in that region: it sees the old state, and the app must
//     bear it, also where a page has just said that something is there.
//   - Do what should only read: [Journey.Reason] is "captured" where it wrote, and the
//     handler ran twice: what it did beside the database, it did twice.
//   - Stop a machine, and with PostgreSQL promote a replica, while clients go on.
//
// # What it is made of
//
// SQLite by default: a world takes 50 ms to start and needs nothing to be installed.
// Hundreds can run in parallel. [Postgres] is a cluster for each world, which takes a
// second or two, needs PostgreSQL's programs, and can move its primary; see package
// homing/postgres/pgtest. Nothing has to be waited for with sleeps: what changes a
// world returns when the change is there, and [World.CatchUp] waits for the replicas.
// Nothing outlives the test.
//
// Time passes as elsewhere. A read that waits for its client's write waits as long as in
// production, see [homing.Config], before it goes home; a write waits at the edge for a
// primary whose machine is stopped, for 8 s at most. An app is found at [Origin], in
// every region, and not over TLS.
package homingtest
