package main

import (
	"context"
	"net/http"
	"testing"

	"homing/examples/internal/suite"
	"homing/postgres"
)

func TestSqlcOnPgx(t *testing.T) {
	suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
}

// visit counts a visit of the link that the ways are tried on.
func visit(ctx context.Context, s store) error {
	l, err := s.FindLink(ctx, "way")
	if err != nil {
		return err
	}
	return s.CountVisit(ctx, l.ID)
}

func seen(db *postgres.DB) map[string]suite.Way {
	s := newStore(db.Pool())
	return map[string]suite.Way{
		"an-error-that-nobody-looks-at": func(r *http.Request) error {
			_ = visit(r.Context(), s)
			return nil
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			tx, err := s.pool.Begin(r.Context())
			if err != nil {
				return err
			}
			defer tx.Rollback(context.Background()) //nolint:errcheck // after a commit it does nothing
			if err := visit(context.Background(), store{s.pool, s.WithTx(tx)}); err != nil {
				return err
			}
			return tx.Commit(context.Background())
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	s := newStore(db.Pool())
	return map[string]suite.Way{
		"the-background-as-context": func(*http.Request) error { return visit(context.Background(), s) },
	}
}
