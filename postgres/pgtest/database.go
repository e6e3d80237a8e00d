package pgtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
)

// Database is a test's own database in a cluster that others use too. Roles and
// settings of servers it shares with them.
type Database struct {
	name string
}

var databases atomic.Int64 // names are drawn once in a process

// NewDatabase creates an empty database, owned by the user "app", and waits until
// each replica has it. It is dropped when the test ends, with its connections.
func (c *Cluster) NewDatabase(t testing.TB) *Database {
	t.Helper()
	db := &Database{fmt.Sprintf("test%d", databases.Add(1))}
	// Nobody can be connected to template0, which would stop it from being copied.
	err := c.Primary().Exec(t.Context(), "create database "+db.name+" owner app template template0")
	if err == nil {
		err = c.WaitCaughtUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if !c.Primary().Running() {
			return
		}
		if err := c.Primary().Exec(ctx, "drop database if exists "+db.name+" with (force)"); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Name is the database's.
func (db *Database) Name() string { return db.name }

// URL is the [Server.URL] of this database on a server of its cluster.
func (db *Database) URL(s *Server) string { return s.url(db.name) }

// DirectURL is the [Server.DirectURL] of this database on a server of its cluster.
func (db *Database) DirectURL(s *Server) string { return s.directURL(db.name) }
