package main

import (
	"context"
	"net/http"
	"testing"

	driver "gorm.io/driver/postgres"
	"gorm.io/gorm"

	"homing/examples/internal/suite"
	"homing/examples/links"
	"homing/postgres"
)

func TestGORM(t *testing.T) {
	suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: seen, Unseen: unseen})
}

func visits(db *gorm.DB) *gorm.DB {
	return db.Model(&links.Link{}).Where("true").UpdateColumn("visits", gorm.Expr("visits + 1"))
}

func seen(db *postgres.DB) map[string]suite.Way {
	orm, err := open(db)
	prepared, perr := gorm.Open(driver.New(driver.Config{Conn: db.SQL()}), &gorm.Config{PrepareStmt: true, DisableAutomaticPing: true})
	return map[string]suite.Way{
		"with-prepared-statements": func(r *http.Request) error {
			if perr != nil {
				return perr
			}
			return visits(prepared.WithContext(r.Context())).Error
		},
		"rows-that-nobody-reads": func(r *http.Request) error {
			rows, err := orm.WithContext(r.Context()).Raw(suite.All + " RETURNING id").Rows()
			if err != nil {
				return err
			}
			return rows.Close()
		},
		"by-the-generic-way": func(r *http.Request) error {
			_, err := gorm.G[links.Link](orm).Where("true").Update(r.Context(), "visits", gorm.Expr("visits + 1"))
			return err
		},
		"an-error-that-nobody-looks-at": func(r *http.Request) error {
			visits(orm.WithContext(r.Context()))
			return err
		},
		"a-transaction-and-then-no-context": func(r *http.Request) error {
			return orm.WithContext(r.Context()).Transaction(func(tx *gorm.DB) error {
				return visits(tx.WithContext(context.Background())).Error
			})
		},
	}
}

func unseen(db *postgres.DB) map[string]suite.Way {
	orm, err := open(db)
	return map[string]suite.Way{
		"without-context": func(*http.Request) error {
			if err != nil {
				return err
			}
			return visits(orm).Error
		},
		"a-transaction-without-context": func(*http.Request) error {
			return orm.Transaction(func(tx *gorm.DB) error { return visits(tx).Error })
		},
	}
}
