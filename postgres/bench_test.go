package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/position"
	"homing/postgres"
	"homing/postgres/pgtest"
)

// BenchmarkWait compares how long a wait for a position takes with how long the
// replica takes to have it, as a connection sees it that asks without a pause. The
// difference is the overshoot: what a reader waits too long.
func BenchmarkWait(b *testing.B) {
	for name, delay := range map[string]time.Duration{"lag only": 0, "60 ms away": 60 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			c := pgtest.Start(b, pgtest.Config{Replicas: 1})
			if err := c.Primary().Exec(b.Context(), "create table rows (id serial)", "grant all on rows, rows_id_seq to app"); err != nil {
				b.Fatal(err)
			}
			replica := c.Replicas()[0]
			primary, db := open(b, c.Primary().URL()), open(b, replica.URL())
			replica.DelayStream(delay)
			asker, err := pgx.Connect(b.Context(), replica.URL())
			if err != nil {
				b.Fatal(err)
			}
			defer asker.Close(context.Background())
			var lags, overshoots []time.Duration
			for b.Loop() {
				if _, err := primary.Pool().Exec(b.Context(), "insert into rows default values"); err != nil {
					b.Fatal(err)
				}
				p, err := primary.Position(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				begun := time.Now()
				seen := make(chan time.Duration, 1)
				go func() { seen <- asked(b, asker, p, begun) }()
				if err := db.Wait(b.Context(), p); err != nil {
					b.Fatal(err)
				}
				waited := time.Since(begun)
				lag := <-seen
				lags, overshoots = append(lags, lag), append(overshoots, max(0, waited-lag))
			}
			report(b, "lag", lags)
			report(b, "overshoot", overshoots)
		})
	}
}

// asked returns how long after begun the replica had p.
func asked(b *testing.B, conn *pgx.Conn, p position.Position, begun time.Time) time.Duration {
	for {
		var has bool
		err := conn.QueryRow(b.Context(), "select pg_last_wal_replay_lsn() >= $1::pg_lsn", string(p)).Scan(&has)
		if err != nil {
			b.Error(err)
			return 0
		}
		if has {
			return time.Since(begun)
		}
	}
}

func report(b *testing.B, what string, all []time.Duration) {
	slices.Sort(all)
	for name, at := range map[string]int{"-p50-µs": len(all) / 2, "-p99-µs": len(all) * 99 / 100} {
		b.ReportMetric(float64(all[at].Nanoseconds())/1e3, what+name)
	}
}

// BenchmarkPosition is what a request that writes pays for its token.
func BenchmarkPosition(b *testing.B) {
	for name, table := range map[string]string{"log": "", "heartbeat": heartbeat} {
		b.Run(name, func(b *testing.B) {
			c := pgtest.Start(b, pgtest.Config{})
			must(b, c.Primary().Exec(b.Context(), postgres.HeartbeatSQL, "grant select, update on homing_heartbeat to app"))
			db := openWith(b, c.Primary().URL(), table)
			for b.Loop() {
				_, err := db.Position(b.Context())
				must(b, err)
			}
		})
	}
}
