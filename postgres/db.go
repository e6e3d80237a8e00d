package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"homing/machine"
	"homing/position"
)

// Engine names how this engine's positions are written in tokens.
const Engine = "postgres"

// Errors of [DB.Wait] and [DB.Position]; compare with [errors.Is].
var (
	// ErrPosition: the text is no position of this engine.
	ErrPosition = errors.New("postgres: not a position")
	// ErrClosed: the database was closed.
	ErrClosed = errors.New("postgres: closed")
)

// DB is an app's database in this machine's region. Create it with [Open]. Safe for
// concurrent use.
type DB struct {
	cfg    Config
	log    *slog.Logger
	pool   *pgxpool.Pool // the app's
	sql    *sql.DB
	marker *marker
	eye    *eye // our own look at the server
	far    far

	tracker *position.Tracker
	seen    atomic.Pointer[look]
	wake    chan struct{} // has a value when somebody begins to wait
	doubts  doubts

	end     context.CancelFunc
	watched chan struct{} // closed when nobody looks any more
	close   func() error
}

// Open returns the database that cfg leads to. It dials nothing itself and succeeds
// while the server is down: the database has no role then, and requests go home until
// it is back. ctx bounds Open alone.
func Open(ctx context.Context, cfg *Config) (*DB, error) {
	if cfg.Pool == nil {
		return nil, errors.New("postgres: Config.Pool is not set; ParseConfig sets it")
	}
	final := *cfg
	if final.Primary == nil {
		final.Primary = final.Pool.Copy()
	}
	final = final.settled(ctx)
	db := &DB{
		cfg: final, log: final.Logger, eye: newEye(final.Pool, newHeartbeat(final.Heartbeat)),
		tracker: position.NewTracker(covers), wake: make(chan struct{}, 1), watched: make(chan struct{}),
	}
	db.tracker.Joined = db.rouse
	db.seen.Store(new(look))
	if err := db.open(ctx); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	db.close = sync.OnceValue(db.shut)
	life, end := context.WithCancel(context.Background())
	db.end = end
	go db.watch(life)
	return db, nil
}

// open opens the app's pool, whose connections leave marks.
func (db *DB) open(ctx context.Context) (err error) {
	db.marker = &marker{
		role: func() machine.Role { return db.seen.Load().role }, inRecovery: db.eye.inRecovery,
		doubt: db.doubt, logger: db.log,
	}
	cfg := db.cfg.Pool
	cfg.ConnConfig.Tracer = chain(cfg.ConnConfig.Tracer, newTracer(db.marker))
	if db.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg); err != nil {
		return err
	}
	db.sql = stdlib.OpenDBFromPool(db.pool)
	return nil
}

// Pool returns the pool for the app. Its connections leave marks on the trail in the
// context of each call. [DB.Close] closes it.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// SQL returns a handle on the same pool for apps on database/sql.
func (db *DB) SQL() *sql.DB { return db.sql }

// State returns what the database was at the last look, without I/O.
func (db *DB) State() position.State {
	l := db.seen.Load()
	return position.State{Engine: Engine, Role: l.role, Epoch: l.epoch}
}

// Problem says in one line what keeps the database from being used here; empty if
// nothing does.
func (db *DB) Problem() string { return db.seen.Load().problem }

// Lag returns how far a replica was behind at the last look, without I/O.
func (db *DB) Lag() position.Lag { return db.seen.Load().lag }

// Position returns how far the database has got. On a primary that covers every commit
// that ended before the call, and costs one question, or with [Config.Heartbeat] a small
// write, which calls at the same time share. On a replica it is what was seen last,
// without I/O. A server that does not tell is [errors.ErrUnsupported].
func (db *DB) Position(ctx context.Context) (position.Position, error) {
	l := db.seen.Load()
	switch {
	case l.blind != nil:
		return "", l.blind
	case l.role == machine.Primary:
		return db.eye.newest(ctx)
	}
	return db.tracker.Reached(), nil
}

// Wait returns nil as soon as reads here see p. Its errors are ctx's, [ErrPosition],
// [ErrClosed], and [errors.ErrUnsupported] where the server does not tell. p must be of
// this database's epoch.
func (db *DB) Wait(ctx context.Context, p position.Position) error {
	blind := db.seen.Load().blind
	if p == "" || blind == nil && covers(db.tracker.Reached(), p) {
		return nil
	}
	if err := check(p); err != nil {
		return err
	}
	if blind != nil {
		return blind
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(db.eye.life, cancel)
	defer stop()
	err := db.tracker.Wait(wait, p)
	if err != nil && ctx.Err() == nil {
		return ErrClosed
	}
	return err
}

// rouse ends the rest of whoever looks.
func (db *DB) rouse() {
	select {
	case db.wake <- struct{}{}:
	default: // it is awake
	}
}

// Look has the server looked at again, now, and returns when [DB.State] says what was
// found, or after half a second: for whoever has seen the server do what its role
// forbids.
func (db *DB) Look(ctx context.Context) { db.doubt(ctx) }

// doubt returns when the server has been looked at again, or after a moment: what was
// seen of it cannot be true any more.
func (db *DB) doubt(ctx context.Context) {
	settled := db.doubts.raise()
	db.rouse()
	ctx, cancel := context.WithTimeout(ctx, doubtTimeout)
	defer cancel()
	select {
	case <-settled:
	case <-ctx.Done():
	case <-db.eye.life.Done():
	}
}

// Waiting returns how many wait now.
func (db *DB) Waiting() int { return db.tracker.Waiting() }

// Close ends every wait and closes the pools. It may be called again.
func (db *DB) Close() error { return db.close() }

func (db *DB) shut() error {
	db.end()
	<-db.watched
	db.eye.close()
	err := db.sql.Close()
	db.far.close()
	db.pool.Close()
	return err
}
