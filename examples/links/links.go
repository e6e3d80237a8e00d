// Package links is what the examples are about, beside chi's, which stands alone: an
// app that keeps short links. It knows nothing of regions. The examples of frameworks
// serve a [Store] of this package, those of data access have stores of their own, served
// by [Handler].
package links

import (
	"context"
	_ "embed"
	"errors"
)

// Schema makes the tables.
//
//go:embed schema.sql
var Schema string

// Link is a short name for an address.
type Link struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Visits int64  `json:"visits"`
}

// ErrNotFound: there is no such link.
var ErrNotFound = errors.New("no such link")

// Store is where links are kept. Each method takes the context of the request that it
// is for, and says so to the database: that is how Homing finds the request.
type Store interface {
	// List returns all links, the oldest first.
	List(ctx context.Context) ([]Link, error)
	// Get returns the link with an ID, or [ErrNotFound].
	Get(ctx context.Context, id int64) (Link, error)
	// Create keeps a new link.
	Create(ctx context.Context, name, url string) (Link, error)
	// Delete removes a link; it is no error if there is none.
	Delete(ctx context.Context, id int64) error
	// Follow returns the link with a name, or [ErrNotFound], and counts a visit. Where
	// that fails the log says so, and the visitor gets there all the same.
	Follow(ctx context.Context, name string) (Link, error)
	// Lucky returns the link with the fewest visits, or [ErrNotFound], and counts one,
	// in a transaction.
	Lucky(ctx context.Context) (Link, error)
}
