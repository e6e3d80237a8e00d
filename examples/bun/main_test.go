package main

import (
	"context"
	"net/http"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"homing/examples/internal/suite"
	"homing/postgres"
)

func TestBun(t *testing.T) {
	suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
}

func seen(db *postgres.DB) map[string]suite.Way {
	b := bun.NewDB(db.SQL(), pgdialect.New())
	return map[string]suite.Way{
		"raw-rows-that-nobody-reads": func(r *http.Request) error {
			rows, err := b.QueryContext(r.Context(), suite.All+" RETURNING id")
			if err != nil {
				return err
			}
			return rows.Close()
		},
		"a-prepared-statement": func(r *http.Request) error {
			stmt, err := b.PrepareContext(r.Context(), suite.All)
			if err != nil {
				return err
			}
			defer stmt.Close()
			_, err = stmt.ExecContext(r.Context())
			return err
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			return b.RunInTx(r.Context(), nil, func(_ context.Context, tx bun.Tx) error {
				_, err := tx.Exec(suite.All)
				return err
			})
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	b := bun.NewDB(db.SQL(), pgdialect.New())
	return map[string]suite.Way{
		"the-background-as-context": func(*http.Request) error {
			_, err := b.NewUpdate().Table("links").Set("visits = visits + 1").Where("true").Exec(context.Background())
			return err
		},
	}
}
