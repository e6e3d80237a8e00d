package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
)

// far is the pool to the primary, opened when it is first asked for. Safe for
// concurrent use.
type far struct {
	mu     sync.Mutex
	pool   *pgxpool.Pool
	closed bool
}

// Primary returns a pool to the primary, for what must be done there by query: a
// migration, a job. Each of its queries crosses to the primary's region, which is what
// sending requests home avoids; the log says so once. Where the database here is the
// primary it is [DB.Pool]. A request that writes through it does not go home any more.
func (db *DB) Primary(ctx context.Context) (*pgxpool.Pool, error) {
	if db.State().Role == machine.Primary {
		return db.pool, nil
	}
	f := &db.far
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, ErrClosed
	case f.pool != nil:
		return f.pool, nil
	}
	hosts, ports := place(&db.cfg.Primary.ConnConfig.Config)
	db.log.Warn("postgres: queries are made at the primary from here; each pays the way there and back", "host", hosts, "port", ports)
	cfg := db.cfg.Primary.Copy()
	there := &marker{
		role:       func() machine.Role { return machine.Primary },
		inRecovery: func(context.Context) (bool, error) { return false, errors.New("nobody asks the primary") },
		logger:     slog.New(slog.DiscardHandler),
	}
	cfg.ConnConfig.Tracer = chain(cfg.ConnConfig.Tracer, newTracer(there))
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	f.pool = pool
	return pool, nil
}

func (f *far) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.pool != nil {
		f.pool.Close()
	}
}
