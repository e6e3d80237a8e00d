package links

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool keeps links through pgx's own pool.
type Pool struct{ DB *pgxpool.Pool }

const columns = "id, name, url, visits"

// List implements [Store].
func (p Pool) List(ctx context.Context) ([]Link, error) {
	rows, _ := p.DB.Query(ctx, "SELECT "+columns+" FROM links ORDER BY id")
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Link])
}

// Get implements [Store].
func (p Pool) Get(ctx context.Context, id int64) (Link, error) {
	return p.one(ctx, "SELECT "+columns+" FROM links WHERE id = $1", id)
}

// Create implements [Store].
func (p Pool) Create(ctx context.Context, name, url string) (Link, error) {
	return p.one(ctx, "INSERT INTO links (name, url) VALUES ($1, $2) RETURNING "+columns, name, url)
}

// Delete implements [Store].
func (p Pool) Delete(ctx context.Context, id int64) error {
	_, err := p.DB.Exec(ctx, "DELETE FROM links WHERE id = $1", id)
	return err
}

// Follow implements [Store].
func (p Pool) Follow(ctx context.Context, name string) (Link, error) {
	l, err := p.one(ctx, "SELECT "+columns+" FROM links WHERE name = $1", name)
	if err != nil {
		return Link{}, err
	}
	if _, err := p.DB.Exec(ctx, "UPDATE links SET visits = visits + 1 WHERE id = $1", l.ID); err != nil {
		slog.WarnContext(ctx, "a visit was not counted", "err", err)
	}
	return l, nil
}

// Lucky implements [Store].
func (p Pool) Lucky(ctx context.Context) (l Link, err error) {
	err = pgx.BeginFunc(ctx, p.DB, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, "SELECT "+columns+" FROM links ORDER BY visits, id LIMIT 1")
		if l, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Link]); err != nil {
			return notFound(err)
		}
		_, err = tx.Exec(ctx, "UPDATE links SET visits = visits + 1 WHERE id = $1", l.ID)
		return err
	})
	return l, err
}

func (p Pool) one(ctx context.Context, query string, args ...any) (Link, error) {
	rows, _ := p.DB.Query(ctx, query, args...)
	l, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Link])
	return l, notFound(err)
}

// notFound says in our word what pgx says in its own.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
