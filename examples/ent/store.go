package main

import (
	"context"
	"log/slog"

	"homing/examples/ent/ent"
	"homing/examples/ent/ent/link"
	"homing/examples/links"
)

// store keeps links with Ent, which asks for a context at each query.
type store struct{ db *ent.Client }

// List implements [links.Store].
func (s store) List(ctx context.Context) ([]links.Link, error) {
	rows, err := s.db.Link.Query().Order(link.ByID()).All(ctx)
	all := []links.Link{}
	for _, r := range rows {
		all = append(all, toLink(r))
	}
	return all, err
}

// Get implements [links.Store].
func (s store) Get(ctx context.Context, id int64) (links.Link, error) {
	r, err := s.db.Link.Get(ctx, id)
	if err != nil {
		return links.Link{}, notFound(err)
	}
	return toLink(r), nil
}

// Create implements [links.Store].
func (s store) Create(ctx context.Context, name, url string) (links.Link, error) {
	r, err := s.db.Link.Create().SetName(name).SetURL(url).Save(ctx)
	if err != nil {
		return links.Link{}, err
	}
	return toLink(r), nil
}

// Delete implements [links.Store].
func (s store) Delete(ctx context.Context, id int64) error {
	_, err := s.db.Link.Delete().Where(link.ID(id)).Exec(ctx)
	return err
}

// Follow implements [links.Store].
func (s store) Follow(ctx context.Context, name string) (links.Link, error) {
	r, err := s.db.Link.Query().Where(link.Name(name)).Only(ctx)
	if err != nil {
		return links.Link{}, notFound(err)
	}
	if err := s.db.Link.UpdateOne(r).AddVisits(1).Exec(ctx); err != nil {
		slog.WarnContext(ctx, "a visit was not counted", "err", err)
	}
	return toLink(r), nil
}

// Lucky implements [links.Store].
func (s store) Lucky(ctx context.Context) (links.Link, error) {
	tx, err := s.db.Tx(ctx)
	if err != nil {
		return links.Link{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	r, err := tx.Link.Query().Order(link.ByVisits(), link.ByID()).First(ctx)
	if err != nil {
		return links.Link{}, notFound(err)
	}
	if err := tx.Link.UpdateOne(r).AddVisits(1).Exec(ctx); err != nil {
		return links.Link{}, err
	}
	return toLink(r), tx.Commit()
}

func toLink(r *ent.Link) links.Link {
	return links.Link{ID: r.ID, Name: r.Name, URL: r.URL, Visits: r.Visits}
}

func notFound(err error) error {
	if ent.IsNotFound(err) {
		return links.ErrNotFound
	}
	return err
}
