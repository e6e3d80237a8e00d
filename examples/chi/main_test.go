package main

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"homing"
	"homing/examples/internal/suite"
	"homing/postgres"
)

// TestMain lets the test's own program be the app, so that one can run in each region.
func TestMain(m *testing.M) {
	if os.Getenv(beTheApp) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestChi(t *testing.T) {
	suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
}

// newApp does what run does, for one of several regions in a process.
func newApp(env homing.Env, db *postgres.DB) (http.Handler, error) {
	site, err := homing.New(homing.Config{Env: env, Database: db})
	if err != nil {
		return nil, err
	}
	r := routes(db.Pool())
	r.Handle("/healthz", site.Health())
	return site.Handler(r), nil
}

// seen are ways of pgx, which chi has nothing to do with.
func seen(db *postgres.DB) map[string]suite.Way {
	return map[string]suite.Way{
		"rows-that-nobody-reads": func(r *http.Request) error {
			rows, err := db.Pool().Query(r.Context(), suite.All+" RETURNING id")
			if err != nil {
				return err
			}
			rows.Close()
			return rows.Err()
		},
		"a-prepared-statement": func(r *http.Request) error {
			conn, err := db.Pool().Acquire(r.Context())
			if err != nil {
				return err
			}
			defer conn.Release()
			if _, err := conn.Conn().Prepare(r.Context(), "all", suite.All); err != nil {
				return err
			}
			_, err = conn.Exec(r.Context(), "all")
			return err
		},
		"a-batch": func(r *http.Request) error {
			b := new(pgx.Batch)
			b.Queue("SELECT 1")
			b.Queue(suite.All)
			return db.Pool().SendBatch(r.Context(), b).Close()
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			return pgx.BeginFunc(r.Context(), db.Pool(), func(tx pgx.Tx) error {
				_, err := tx.Exec(context.Background(), suite.All)
				return err
			})
		},
		"an-error-that-nobody-looks-at": func(r *http.Request) error {
			_, _ = db.Pool().Exec(r.Context(), suite.All)
			return nil
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	return map[string]suite.Way{
		"the-background-as-context": func(*http.Request) error {
			_, err := db.Pool().Exec(context.Background(), suite.All)
			return err
		},
	}
}
