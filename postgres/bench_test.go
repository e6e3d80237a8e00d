package postgres_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/position"
	"homing/postgres"
	"homing/postgres/pgtest"
)

// BenchmarkWait compares how long a wait for a position takes with how long the
// replica takes to have it, as a connection sees it that asks without a pause. The
// difference is the overshoot: what a reader waits too long. A server from version 19
// on is waited at; one that seems to be behind a proxy is glanced at.
func BenchmarkWait(b *testing.B) {
	for _, bb := range []struct {
		name  string
		delay time.Duration
		dial  pgconn.DialFunc
	}{
		{"lag only", 0, new(net.Dialer).DialContext},
		{"lag only, as through a proxy", 0, dialAsProxy},
		{"60 ms away", 60 * time.Millisecond, new(net.Dialer).DialContext},
		{"60 ms away, as through a proxy", 60 * time.Millisecond, dialAsProxy},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := pgtest.Start(b, pgtest.Config{Replicas: 1})
			if err := c.Primary().Exec(b.Context(), "create table rows (id serial)", "grant all on rows, rows_id_seq to app"); err != nil {
				b.Fatal(err)
			}
			replica := c.Replicas()[0]
			cfg, err := pgxpool.ParseConfig(replica.URL())
			if err != nil {
				b.Fatal(err)
			}
			cfg.ConnConfig.DialFunc = bb.dial
			primary, db := open(b, c.Primary().URL()), openPool(b, cfg, "")
			replica.DelayStream(bb.delay)
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

// dialAsProxy connects to a server as if through a proxy, which numbers connections by
// itself.
func dialAsProxy(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &renumbered{Conn: conn}, err
}

type renumbered struct {
	net.Conn
	done bool
}

func (c *renumbered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	// BackendKeyData: its type, its length, the number, a key.
	if at := bytes.Index(p[:n], []byte{'K', 0, 0, 0, 12}); at >= 0 && at+5 < n && !c.done {
		p[at+5] ^= 0x55
		c.done = true
	}
	return n, err
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
