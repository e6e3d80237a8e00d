package main

import (
	"context"
	"net/http"
	"testing"

	"homing/examples/internal/suite"
	gen "homing/examples/sqlc/stdlib/db"
	"homing/postgres"
)

func TestSqlcOnDatabaseSQL(t *testing.T) {
	suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
}

// visit counts a visit of the link that the ways are tried on.
func visit(ctx context.Context, q *gen.Queries) error {
	l, err := q.FindLink(ctx, "way")
	if err != nil {
		return err
	}
	return q.CountVisit(ctx, l.ID)
}

func seen(db *postgres.DB) map[string]suite.Way {
	s := newStore(db.SQL())
	return map[string]suite.Way{
		"an-error-that-nobody-looks-at": func(r *http.Request) error {
			_ = visit(r.Context(), s.Queries)
			return nil
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			tx, err := s.handle.BeginTx(r.Context(), nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
			if err := visit(context.Background(), s.WithTx(tx)); err != nil {
				return err
			}
			return tx.Commit()
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	s := newStore(db.SQL())
	return map[string]suite.Way{
		"the-background-as-context": func(*http.Request) error { return visit(context.Background(), s.Queries) },
	}
}
