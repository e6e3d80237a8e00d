package links

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
)

// SQL keeps links through database/sql.
type SQL struct{ DB *sql.DB }

// List implements [Store].
func (s SQL) List(ctx context.Context) ([]Link, error) {
	rows, err := s.DB.QueryContext(ctx, "SELECT "+columns+" FROM links ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []Link{}
	for rows.Next() {
		l, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

// Get implements [Store].
func (s SQL) Get(ctx context.Context, id int64) (Link, error) {
	return scan(s.DB.QueryRowContext(ctx, "SELECT "+columns+" FROM links WHERE id = $1", id))
}

// Create implements [Store].
func (s SQL) Create(ctx context.Context, name, url string) (Link, error) {
	return scan(s.DB.QueryRowContext(ctx, "INSERT INTO links (name, url) VALUES ($1, $2) RETURNING "+columns, name, url))
}

// Delete implements [Store].
func (s SQL) Delete(ctx context.Context, id int64) error {
	_, err := s.DB.ExecContext(ctx, "DELETE FROM links WHERE id = $1", id)
	return err
}

// Follow implements [Store].
func (s SQL) Follow(ctx context.Context, name string) (Link, error) {
	l, err := scan(s.DB.QueryRowContext(ctx, "SELECT "+columns+" FROM links WHERE name = $1", name))
	if err != nil {
		return Link{}, err
	}
	if _, err := s.DB.ExecContext(ctx, "UPDATE links SET visits = visits + 1 WHERE id = $1", l.ID); err != nil {
		slog.WarnContext(ctx, "a visit was not counted", "err", err)
	}
	return l, nil
}

// Lucky implements [Store].
func (s SQL) Lucky(ctx context.Context) (Link, error) {
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return Link{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	l, err := scan(tx.QueryRowContext(ctx, "SELECT "+columns+" FROM links ORDER BY visits, id LIMIT 1"))
	if err != nil {
		return Link{}, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE links SET visits = visits + 1 WHERE id = $1", l.ID); err != nil {
		return Link{}, err
	}
	return l, tx.Commit()
}

// row is one of what a query found, be it the only one.
type row interface{ Scan(...any) error }

func scan(r row) (Link, error) {
	var l Link
	err := r.Scan(&l.ID, &l.Name, &l.URL, &l.Visits)
	if errors.Is(err, sql.ErrNoRows) {
		return Link{}, ErrNotFound
	}
	return l, err
}
