package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"

	"github.com/uptrace/bun"

	"homing/examples/links"
)

// store keeps links with Bun, which asks for a context at each query.
type store struct{ db *bun.DB }

// row is a link as Bun reads it.
type row struct {
	bun.BaseModel `bun:"table:links"`

	ID     int64 `bun:",pk,autoincrement"`
	Name   string
	URL    string
	Visits int64
}

func (r row) link() links.Link {
	return links.Link{ID: r.ID, Name: r.Name, URL: r.URL, Visits: r.Visits}
}

// List implements [links.Store].
func (s store) List(ctx context.Context) ([]links.Link, error) {
	var rows []row
	if err := s.db.NewSelect().Model(&rows).Order("id").Scan(ctx); err != nil {
		return nil, err
	}
	all := []links.Link{}
	for _, r := range rows {
		all = append(all, r.link())
	}
	return all, nil
}

// Get implements [links.Store].
func (s store) Get(ctx context.Context, id int64) (links.Link, error) {
	var r row
	err := s.db.NewSelect().Model(&r).Where("id = ?", id).Scan(ctx)
	return r.link(), notFound(err)
}

// Create implements [links.Store].
func (s store) Create(ctx context.Context, name, url string) (links.Link, error) {
	r := row{Name: name, URL: url}
	_, err := s.db.NewInsert().Model(&r).Exec(ctx)
	return r.link(), err
}

// Delete implements [links.Store].
func (s store) Delete(ctx context.Context, id int64) error {
	_, err := s.db.NewDelete().Model((*row)(nil)).Where("id = ?", id).Exec(ctx)
	return err
}

// Follow implements [links.Store].
func (s store) Follow(ctx context.Context, name string) (links.Link, error) {
	var r row
	if err := s.db.NewSelect().Model(&r).Where("name = ?", name).Scan(ctx); err != nil {
		return links.Link{}, notFound(err)
	}
	if err := visit(ctx, s.db, r.ID); err != nil {
		slog.WarnContext(ctx, "a visit was not counted", "err", err)
	}
	return r.link(), nil
}

// Lucky implements [links.Store].
func (s store) Lucky(ctx context.Context) (links.Link, error) {
	var r row
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := tx.NewSelect().Model(&r).Order("visits", "id").Limit(1).Scan(ctx); err != nil {
			return notFound(err)
		}
		return visit(ctx, tx, r.ID)
	})
	return r.link(), err
}

// visit counts one, within a transaction or without.
func visit(ctx context.Context, db bun.IDB, id int64) error {
	_, err := db.NewUpdate().Model((*row)(nil)).Set("visits = visits + 1").Where("id = ?", id).Exec(ctx)
	return err
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return links.ErrNotFound
	}
	return err
}
