package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/decision"
	"homing/postgres"
	"homing/postgres/pgtest"
)

const insertRow = "insert into rows (id, n) values ($1, 1)"

// ways are those in which a GET may write. Each must insert one row, or return the
// error that it got.
var ways = map[string]func(context.Context, *postgres.DB, string) error{
	"exec": func(ctx context.Context, db *postgres.DB, id string) error {
		_, err := db.Pool().Exec(ctx, insertRow, id)
		return err
	},
	"query": func(ctx context.Context, db *postgres.DB, id string) error {
		rows, err := db.Pool().Query(ctx, insertRow+" returning id", id)
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	},
	"row": func(ctx context.Context, db *postgres.DB, id string) error {
		return db.Pool().QueryRow(ctx, insertRow+" returning id", id).Scan(&id)
	},
	"batch": func(ctx context.Context, db *postgres.DB, id string) error {
		b := new(pgx.Batch)
		b.Queue("select 1")
		b.Queue(insertRow, id)
		return db.Pool().SendBatch(ctx, b).Close()
	},
	"copy": func(ctx context.Context, db *postgres.DB, id string) error {
		_, err := db.Pool().CopyFrom(ctx, pgx.Identifier{"rows"}, []string{"id", "n"}, pgx.CopyFromRows([][]any{{id, 1}}))
		return err
	},
	"transaction": func(ctx context.Context, db *postgres.DB, id string) error {
		return pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select 1"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, insertRow, id)
			return err
		})
	},
	"lock": func(ctx context.Context, db *postgres.DB, id string) error {
		return pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select id from rows for update"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, insertRow, id)
			return err
		})
	},
	"serializable": func(ctx context.Context, db *postgres.DB, id string) error {
		return pgx.BeginTxFunc(ctx, db.Pool(), pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, insertRow, id)
			return err
		})
	},
	"swallowed": func(ctx context.Context, db *postgres.DB, id string) error {
		_, _ = db.Pool().Exec(ctx, insertRow, id)
		return nil
	},
	"sql exec": func(ctx context.Context, db *postgres.DB, id string) error {
		_, err := db.SQL().ExecContext(ctx, insertRow, id)
		return err
	},
	"sql prepared": func(ctx context.Context, db *postgres.DB, id string) error {
		st, err := db.SQL().PrepareContext(ctx, insertRow)
		if err != nil {
			return err
		}
		defer st.Close()
		_, err = st.ExecContext(ctx, id)
		return err
	},
	"sql row": func(ctx context.Context, db *postgres.DB, id string) error {
		return db.SQL().QueryRowContext(ctx, insertRow+" returning id", id).Scan(&id)
	},
	"sql transaction without a context": func(ctx context.Context, db *postgres.DB, id string) error {
		tx, err := db.SQL().BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(insertRow, id); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	},
}

func waysApp(db *postgres.DB) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", rowsApp(db))
	mux.HandleFunc("GET /write/{way}", func(rw http.ResponseWriter, r *http.Request) {
		if err := ways[r.PathValue("way")](r.Context(), db, r.PathValue("way")); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(rw, "done")
	})
	mux.HandleFunc("GET /long", func(rw http.ResponseWriter, r *http.Request) {
		var n int
		err := pgx.BeginTxFunc(r.Context(), db.Pool(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			if err := tx.QueryRow(r.Context(), "select count(*) from rows").Scan(&n); err != nil {
				return err
			}
			if db.State().Role.String() == "replica" {
				close(reading)
				_, err := tx.Exec(r.Context(), "select pg_sleep(20)")
				return err
			}
			return nil
		})
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(rw, n)
	})
	return mux
}

// reading is closed when a long read is under way on a replica.
var reading chan struct{}

func TestARefusedWriteIsOneReplayAndOneRow(t *testing.T) {
	for name, cfg := range map[string]pgtest.Config{"direct": {}, "through PgBouncer": {PgBouncer: true}} {
		t.Run(name, func(t *testing.T) {
			w := newRegions(t, cfg, waysApp)
			for way := range ways {
				a, err := w.do("gru", "GET", "/write/"+way, "")
				if err != nil || a.status != 200 || a.body != "done" {
					t.Errorf("%s: %v, %v", way, a, err)
					continue
				}
				r := w.journey(a.header.Get("Fly-Request-Id"))
				if len(r.Hops) != 2 || r.Hops[0].Region != "gru" || r.Hops[1].Region != "ord" || r.Hops[0].Decision.Reason != decision.Captured {
					t.Errorf("%s: went %+v", way, r.Hops)
				}
				if read, err := w.do("gru", "GET", "/rows/"+way, a.token()); err != nil || read.body != "1" || a.token() == "" {
					t.Errorf("%s: its row is read as %v, %v; token %q", way, read, err, a.token())
				}
			}
		})
	}
}

// TestAReadThatReplicationCancels is answered by the primary instead.
func TestAReadThatReplicationCancels(t *testing.T) {
	for name, bouncer := range map[string]bool{"direct": false, "through PgBouncer": true} {
		t.Run(name, func(t *testing.T) {
			reading = make(chan struct{})
			w := newRegions(t, pgtest.Config{PgBouncer: bouncer, Settings: map[string]string{"max_standby_streaming_delay": "10ms"}}, waysApp)
			w.sql(w.cluster.Primary(), "insert into rows select i::text from generate_series(1, 1000) i")
			must(t, w.cluster.WaitCaughtUp(t.Context()))
			got := make(chan reply, 1)
			go func() {
				a, err := w.do("gru", "GET", "/long", "")
				if err != nil {
					t.Error(err)
				}
				got <- a
			}()
			<-reading
			w.sql(w.cluster.Primary(), "delete from rows where id <> '1'", "vacuum rows")
			select {
			case a := <-got:
				if a.status != 200 || a.body != "1" {
					t.Errorf("got %v", a)
				}
				r := w.journey(a.header.Get("Fly-Request-Id"))
				if len(r.Hops) != 2 || r.Hops[0].Decision.Reason != decision.Conflict {
					t.Errorf("went %+v", r.Hops)
				}
			case <-time.After(15 * time.Second):
				t.Error("the read was not cancelled")
			}
		})
	}
}
