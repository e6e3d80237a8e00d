package main

import (
	"net/http"
	"testing"

	"homing/examples/internal/suite"
	"homing/postgres"
)

func TestEcho(t *testing.T) {
	w := suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
	t.Run("an answer that goes on leaves as it is written", func(t *testing.T) { suite.TestWatch(t, w) })
}

// seen are ways of database/sql, which Echo has nothing to do with.
func seen(db *postgres.DB) map[string]suite.Way {
	return map[string]suite.Way{
		"rows-that-nobody-reads": func(r *http.Request) error {
			rows, err := db.SQL().QueryContext(r.Context(), suite.All+" RETURNING id")
			if err != nil {
				return err
			}
			return rows.Close()
		},
		"a-prepared-statement": func(r *http.Request) error {
			stmt, err := db.SQL().PrepareContext(r.Context(), suite.All)
			if err != nil {
				return err
			}
			defer stmt.Close()
			_, err = stmt.ExecContext(r.Context())
			return err
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			tx, err := db.SQL().BeginTx(r.Context(), nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
			if _, err := tx.Exec(suite.All); err != nil {
				return err
			}
			return tx.Commit()
		},
		"an-error-that-nobody-looks-at": func(r *http.Request) error {
			_, _ = db.SQL().ExecContext(r.Context(), suite.All)
			return nil
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	return map[string]suite.Way{
		"without-context": func(*http.Request) error {
			_, err := db.SQL().Exec(suite.All)
			return err
		},
		"a-transaction-without-context": func(*http.Request) error {
			tx, err := db.SQL().Begin()
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
			if _, err := tx.Exec(suite.All); err != nil {
				return err
			}
			return tx.Commit()
		},
		"a-statement-prepared-before-and-without-context": func(*http.Request) error {
			stmt, err := db.SQL().Prepare(suite.All)
			if err != nil {
				return err
			}
			defer stmt.Close()
			_, err = stmt.Exec()
			return err
		},
	}
}
