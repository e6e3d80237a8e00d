package main

import (
	"context"
	"net/http"
	"testing"

	"homing/examples/internal/suite"
	"homing/postgres"
)

func TestEnt(t *testing.T) {
	suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
}

func seen(db *postgres.DB) map[string]suite.Way {
	client := open(db)
	return map[string]suite.Way{
		"an-error-that-nobody-looks-at": func(r *http.Request) error {
			_ = client.Link.Update().AddVisits(1).Exec(r.Context())
			return nil
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			tx, err := client.Tx(r.Context())
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
			if err := tx.Link.Update().AddVisits(1).Exec(context.Background()); err != nil {
				return err
			}
			return tx.Commit()
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	client := open(db)
	return map[string]suite.Way{
		"the-background-as-context": func(*http.Request) error {
			return client.Link.Update().AddVisits(1).Exec(context.Background())
		},
	}
}
