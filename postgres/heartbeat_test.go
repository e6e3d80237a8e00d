package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/decision"
	"homing/machine"
	"homing/position"
	"homing/position/positiontest"
	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/region"
)

const heartbeat = "homing_heartbeat"

// blind has the servers of a cluster tell their position to nobody, as Aurora does.
func blind(t testing.TB, c *pgtest.Cluster) {
	t.Helper()
	must(t, c.Primary().Exec(t.Context(),
		"revoke execute on function pg_current_wal_flush_lsn(), pg_current_wal_insert_lsn(), pg_last_wal_replay_lsn() from public"))
}

// blindCluster is blind and has a heartbeat, and a table "rows".
func blindCluster(t *testing.T, cfg pgtest.Config) *pgtest.Cluster {
	t.Helper()
	c := pgtest.Start(t, cfg)
	blind(t, c)
	must(t, c.Primary().Exec(t.Context(), postgres.HeartbeatSQL, "grant select, update on homing_heartbeat to app",
		"create table rows (id serial)", "grant all on rows, rows_id_seq to app"))
	must(t, c.WaitCaughtUp(t.Context()))
	return c
}

func TestPositionsByAHeartbeat(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		positiontest.Run(t, func(t *testing.T) positiontest.Cluster {
			c := blindCluster(t, cfg)
			s := c.Replicas()[0]
			primary, replica := openWith(t, c.Primary().URL(), heartbeat), openWith(t, s.URL(), heartbeat)
			p, err := primary.Position(t.Context())
			must(t, err)
			_, run, _ := strings.Cut(string(p), "@")
			return positiontest.Cluster{
				Primary: primary, Replica: replica, Waiting: replica.Waiting,
				Write: func(ctx context.Context) error {
					_, err := primary.Pool().Exec(ctx, "insert into rows default values")
					return err
				},
				Count: func(ctx context.Context) (n int, err error) {
					return n, replica.Pool().QueryRow(ctx, "select count(*) from rows").Scan(&n)
				},
				Hold:      func() { mustNot(t, s.HoldReplay(context.Background())) },
				Release:   func() { mustNot(t, s.ResumeReplay(context.Background())) },
				Unissued:  position.Position("1000000@" + run),
				Malformed: []position.Position{"x", "1", "1@", "@1", "-1@1", "1@-1", "+1@1", "01@1", "1@01", "1@1@1", " 1@1", "1@9223372036854775808"},
			}
		})
	})
}

func mustNot(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestABeatOfAnotherRunIsNotReached, however many there were: whoever has it may have
// followed a server that has been replaced since.
func TestABeatOfAnotherRunIsNotReached(t *testing.T) {
	t.Parallel()
	c := blindCluster(t, pgtest.Config{})
	db := openWith(t, c.Primary().URL(), heartbeat)
	p, err := db.Position(t.Context())
	must(t, err)
	n, run, _ := strings.Cut(string(p), "@")
	must(t, db.Wait(t.Context(), p))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, other := range []string{n + "@" + run[:len(run)-1], n + "@0", "0@0", "0/1"} {
		if err := db.Wait(ended, position.Position(other)); err == nil {
			t.Errorf("at %s, %s is reached", p, other)
		}
	}
}

// TestManyMachinesBeatAtOnce, on one row, where the database's default isolation would
// refuse that.
func TestManyMachinesBeatAtOnce(t *testing.T) {
	t.Parallel()
	c := blindCluster(t, pgtest.Config{})
	must(t, c.Primary().Exec(t.Context(), "alter role app set default_transaction_isolation = 'repeatable read'"))
	var wait sync.WaitGroup
	var mu sync.Mutex
	seen := map[position.Position]bool{}
	for range 4 {
		db := openWith(t, c.Primary().URL(), heartbeat)
		wait.Go(func() {
			for range 25 {
				p, err := db.Position(t.Context())
				mustNot(t, err)
				mu.Lock()
				if seen[p] {
					t.Errorf("%s was given twice", p)
				}
				seen[p] = true
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if strings.Contains(c.Primary().Log(), "could not serialize") {
		t.Error("beats got into each other's way")
	}
}

// TestNobodySeesAnOlderPageWithAHeartbeat is the promise where no server tells its
// position; no read goes home for a time.
func TestNobodySeesAnOlderPageWithAHeartbeat(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		p := &pairing{
			regions: newRegions(t, cfg, rowsApp, "HOMING_WAIT=50ms", "HOMING_HEARTBEAT="+heartbeat), reasons: map[decision.Reason]int{},
		}
		seed := rand.Uint64()
		t.Log("the seed is", seed)
		stop := p.gates(seed, 200*time.Millisecond)
		p.run(600)
		stop()
		t.Log(p.reasons)
		if p.reasons[decision.Stale] == 0 || p.reasons[decision.Waited]+p.reasons[decision.Reached] == 0 {
			t.Error("replication was never behind, or always: the test proves little")
		}
	})
}

// TestAReadComesBackWhenTheBeatArrives: at home while the replica has not got the
// write, and here as soon as it has.
func TestAReadComesBackWhenTheBeatArrives(t *testing.T) {
	t.Parallel()
	w := newRegions(t, pgtest.Config{}, rowsApp, "HOMING_WAIT=20ms", "HOMING_HEARTBEAT="+heartbeat)
	gru := w.at["gru"].server
	must(t, gru.HoldReplay(t.Context()))
	wrote, err := w.do("gru", "POST", "/rows/a", "")
	must(t, err)
	read := func() decision.Reason {
		a, err := w.do("gru", "GET", "/rows/a", wrote.token())
		if err != nil || a.body != "1" {
			t.Fatal(a, err)
		}
		return w.journey(a.header.Get("Fly-Request-Id")).Hops[0].Decision.Reason
	}
	if why := read(); why != decision.Stale {
		t.Errorf("held: %s, want %s", why, decision.Stale)
	}
	must(t, gru.ResumeReplay(t.Context()))
	eventually(t, "reads are answered in gru", func() bool { return read() == decision.Reached })
}

// TestAPromotionBeginsAnEpochByHeartbeat: who was promoted is the newer for everybody,
// also when the old primary comes back, and what a lost history said is not reached.
func TestAPromotionBeginsAnEpochByHeartbeat(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		w := newRegions(t, cfg, rowsApp, "HOMING_WAIT=20ms", "HOMING_HEARTBEAT="+heartbeat)
		ord, ams := w.at["ord"], w.at["ams"]
		first, other := ord.db.State().Epoch, openWith(t, ams.server.URL(), heartbeat)
		ams.server.HoldStream()
		lost, err := w.do("gru", "POST", "/rows/lost", "")
		must(t, err)
		eventually(t, "gru has what ams never will", func() bool { return inHop(w, "gru", "/rows/lost", lost.token()) == decision.Reached })
		must(t, ord.server.Stop(t.Context(), pgtest.Kill))
		must(t, ams.server.Promote(t.Context()))
		eventually(t, "the primary is known to be in ams", func() bool { return w.fleet.Snapshot().Primary("web").Region == "ams" })
		second := ams.db.State().Epoch
		if order, ok := first.Compare(second); !ok || order >= 0 {
			t.Errorf("the epoch was %s and is %s", first, second)
		}
		eventually(t, "two machines agree on the epoch", func() bool { return other.State() == ams.db.State() && ams.db.State().Epoch == second })
		kept, err := w.do("gru", "POST", "/rows/kept", "")
		must(t, err)
		if why := inHop(w, "gru", "/rows/kept", kept.token()); why != decision.Stale {
			t.Errorf("gru follows another history and answers: %s", why)
		}
		must(t, ord.server.Start(t.Context()))
		eventually(t, "ord is there again", func() bool { return ord.db.State().Role == machine.Primary })
		if got := w.fleet.Snapshot().Primary("web"); got.Region != "ams" || ord.db.State().Epoch != first {
			t.Errorf("the old primary is back with %s, and the primary is %+v", ord.db.State().Epoch, got)
		}
	})
}

// inHop reads with a token and returns why the first machine did what it did.
func inHop(w *regions, at region.Code, path, token string) decision.Reason {
	a, err := w.do(at, "GET", path, token)
	must(w.t, err)
	return w.journey(a.header.Get("Fly-Request-Id")).Hops[0].Decision.Reason
}

// TestAHeartbeatThatCannotBeUsed leaves the window, and the log says once what to run.
func TestAHeartbeatThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	c := blindCluster(t, pgtest.Config{Replicas: 1})
	must(t, c.Primary().Exec(t.Context(),
		"create schema other", "create table other.beats (like homing_heartbeat including all)", "create table narrow (beat int)",
		"create table readable (like homing_heartbeat including all)", "insert into readable default values",
		"grant usage on schema other to app", "grant select on readable to app", "grant select, update on other.beats, narrow to app"))
	for _, tt := range []struct{ name, table, want string }{
		{"there is none", "nowhere", "42P01"},
		{"no schema", "nowhere.beats", "42P01"},
		{"no right to update", "readable", "may not update"},
		{"no row", "other.beats", "no rows"},
		{"another table", "narrow", "42703"},
		{"a name that is none", "; drop table rows", "42P01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pool, err := pgxpool.ParseConfig(c.Primary().URL())
			must(t, err)
			log := new(lines)
			db, err := postgres.Open(t.Context(), &postgres.Config{Pool: pool, Heartbeat: tt.table, Logger: slog.New(slog.NewTextHandler(log, nil))})
			must(t, err)
			defer db.Close()
			eventually(t, "it is the primary", func() bool { return db.State().Role == machine.Primary })
			if _, err := db.Position(t.Context()); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Position: %v, want %q", err, tt.want)
			}
			eventually(t, "the log tells", func() bool { return strings.Contains(log.String(), "positions cannot be used") })
			if text := log.String(); strings.Count(text, "positions cannot be used") != 1 || !strings.Contains(text, "create table") || db.State().Epoch != "" {
				t.Errorf("epoch %q: %s", db.State().Epoch, text)
			}
		})
	}
}

// TestAHeartbeatThatIsMadeLater is used from then on.
func TestAHeartbeatThatIsMadeLater(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{})
	db := openWith(t, c.Primary().URL(), heartbeat)
	if _, err := db.Position(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("Position: %v", err)
	}
	for range 2 { // it may be run again
		must(t, c.Primary().Exec(t.Context(), postgres.HeartbeatSQL, "grant select, update on homing_heartbeat to app"))
	}
	eventually(t, "there are positions", func() bool { p, err := db.Position(t.Context()); return err == nil && p != "" })
}
