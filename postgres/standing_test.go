package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/machine"
	"homing/position"
	"homing/postgres"
	"homing/postgres/pgtest"
)

// unissued is reached by nobody.
const unissued position.Position = "FFFF/0"

// questions is what a server is asked by those who wait for its positions.
type questions struct {
	t     *testing.T
	admin *pgx.Conn
}

func questionsTo(t *testing.T, s *pgtest.Server) questions {
	admin, err := pgx.Connect(t.Context(), s.AdminURL())
	must(t, err)
	t.Cleanup(func() { admin.Close(context.Background()) })
	return questions{t, admin}
}

// now returns how many statements wait at the server, and when the connection whose
// last question was a glance asked it; zero if it was another.
func (q questions) now() (waiting int, glanced time.Time) {
	q.t.Helper()
	var last *time.Time
	must(q.t, q.admin.QueryRow(q.t.Context(), `select
		count(*) filter (where query like 'WAIT FOR LSN%' and state = 'active'),
		max(query_start) filter (where query like 'select pg_is_in_recovery()%' and query not like '%pg_control_system%')
		from pg_stat_activity where usename = 'app'`).Scan(&waiting, &last))
	if last != nil {
		glanced = *last
	}
	return waiting, glanced
}

// nobody reports whether no app is connected.
func (q questions) nobody() (yes bool) {
	q.t.Helper()
	must(q.t, q.admin.QueryRow(q.t.Context(), "select not exists (select from pg_stat_activity where usename = 'app')").Scan(&yes))
	return yes
}

// stands waits until one statement waits at the server, and nobody glances any more.
func (q questions) stands() {
	q.t.Helper()
	eventually(q.t, "one waits at the server, and none glances", func() bool {
		waiting, glanced := q.now()
		return waiting == 1 && glanced.IsZero()
	})
}

// glances waits until the server was glanced at some times while so many waited; ask is
// called before each look.
func (q questions) glances(while int, ask func()) {
	q.t.Helper()
	seen := map[time.Time]bool{}
	eventually(q.t, "the server is glanced at", func() bool {
		ask()
		waiting, glanced := q.now()
		if waiting > while {
			q.t.Fatalf("%d wait at the server, want %d", waiting, while)
		}
		if !glanced.IsZero() && waiting == while {
			seen[glanced] = true
		}
		return len(seen) > 5
	})
}

func nothing() {}

// pendingWait is a wait in the background.
func pendingWait(ctx context.Context, db *postgres.DB, p position.Position) <-chan error {
	done := make(chan error, 1)
	go func() { done <- db.Wait(ctx, p) }()
	return done
}

// before is the position n bytes before p.
func before(p position.Position, n int) position.Position {
	var high, low int
	fmt.Sscanf(string(p), "%X/%X", &high, &low)
	return position.Position(fmt.Sprintf("%X/%X", high, low-n))
}

// TestHowAPositionIsWaitedFor: with WAIT FOR LSN where the server itself has it, by
// glances elsewhere and for those who come with an earlier position; and what becomes
// of it when the replica is promoted.
func TestHowAPositionIsWaitedFor(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		c := pgtest.Start(t, cfg)
		must(t, c.Primary().Exec(t.Context(), "create table rows (id serial)", "grant all on rows, rows_id_seq to app"))
		must(t, c.WaitCaughtUp(t.Context()))
		server := c.Replicas()[0]
		primary, replica := open(t, c.Primary().URL()), open(t, server.URL())
		asked := questionsTo(t, server)
		var version int
		must(t, asked.admin.QueryRow(t.Context(), "select current_setting('server_version_num')::int").Scan(&version))
		standing := 0
		if version >= 190000 && !cfg.PgBouncer {
			standing = 1
		}

		write := func() position.Position {
			_, err := primary.Pool().Exec(t.Context(), "insert into rows default values")
			must(t, err)
			p, err := primary.Position(t.Context())
			must(t, err)
			return p
		}
		if standing == 1 {
			eventually(t, "positions that come are learned of without a glance", func() bool {
				some := false
				for range 10 {
					must(t, replica.Wait(t.Context(), write()))
					_, glanced := asked.now()
					some = some || !glanced.IsZero()
				}
				return !some
			})
		}

		must(t, server.HoldReplay(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		last := pendingWait(ctx, replica, unissued)
		if standing == 1 {
			asked.stands()
		} else {
			asked.glances(0, nothing)
		}

		p := write()
		var all []<-chan error
		looks := 0
		asked.glances(standing, func() { // now and then one that is earlier than what is stood for
			if looks++; len(all)*50 < looks {
				all = append(all, pendingWait(t.Context(), replica, before(p, len(all))))
			}
		})
		must(t, server.ResumeReplay(t.Context()))
		for _, earlier := range all {
			must(t, <-earlier)
		}
		if standing == 1 {
			asked.stands()
		}

		must(t, server.Promote(t.Context()))
		eventually(t, "it is the primary", func() bool { return replica.State().Role == machine.Primary })
		asked.glances(0, nothing)
		p, err := replica.Position(t.Context())
		must(t, err)
		must(t, replica.Wait(t.Context(), p))
		cancel()
		if err := <-last; !errors.Is(err, context.Canceled) {
			t.Errorf("the wait for what is never reached: %v", err)
		}
		must(t, replica.Close())
		if !cfg.PgBouncer { // which keeps its connections
			eventually(t, "nobody is connected", asked.nobody)
		}
	})
}

// TestClosingEndsWhatWaitsAtTheServer, and at once.
func TestClosingEndsWhatWaitsAtTheServer(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		c := pgtest.Start(t, cfg)
		db := open(t, c.Replicas()[0].URL())
		asked := questionsTo(t, c.Replicas()[0])
		wait := pendingWait(t.Context(), db, unissued)
		eventually(t, "somebody asks for it", func() bool {
			waiting, glanced := asked.now()
			return waiting == 1 || !glanced.IsZero()
		})
		must(t, db.Close())
		if err := <-wait; !errors.Is(err, postgres.ErrClosed) {
			t.Errorf("Wait: %v", err)
		}
		eventually(t, "none waits at the server", func() bool { waiting, _ := asked.now(); return waiting == 0 })
	})
}
