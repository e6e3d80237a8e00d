package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"homing/machine"
	"homing/position"
)

// Engine names this package in [position.State].
const Engine = "sqlite"

// ErrClosed is returned for a database that was closed.
var ErrClosed = errors.New("sqlite: database is closed")

// DB is one machine's database. Its methods may be called at any time from any
// goroutine, also after Close.
type DB struct {
	sql     *sql.DB
	side    side
	tracker *position.Tracker
	state   atomic.Pointer[position.State]

	lock  fileLock
	life  context.Context // ends with Close
	end   context.CancelFunc
	close func() error
}

// side is what differs between a primary and a replica.
type side interface {
	position(context.Context) (position.Position, error)
	status(*Status)
	serveFeed() http.Handler
	close() error
}

// Status is a picture of a database for people to look at.
type Status struct {
	State    position.State
	Position position.Position // the newest that is known without I/O
	Waiting  int               // calls of Wait that wait now

	// Err is, on a replica, why it is not connected to the feed, or nil if it
	// is; on a primary, why the last capture failed, or nil.
	Err error

	// Of a replica only:
	Connected time.Time // since when; zero: not now
	// Lag is the time from the capture of the newest change on the primary until
	// it was visible here, by two clocks: the difference between the hosts'
	// clocks is in it, and it may be negative.
	Lag       time.Duration
	Snapshots int // how often the whole database was taken over, since Open

	// Of a primary only:
	Followers int // replicas that read the feed now
}

// Open opens the database. A primary's file is created if it does not exist, and
// captured up to now. A replica is open at once, reachable primary or not; it
// has no role until it has data, and then follows by itself until Close. A file
// that another DB has open is waited for, up to 2 s; then the error is
// [ErrInUse]. ctx bounds Open only.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	db := &DB{tracker: position.NewTracker(covers)}
	db.life, db.end = context.WithCancel(context.Background())
	db.close = sync.OnceValue(db.shut)
	db.state.Store(&position.State{Engine: Engine})
	if err := db.lockAndOpen(ctx, cfg); err != nil {
		db.end()
		return nil, fmt.Errorf("sqlite: %s: %w", cfg.Path, err)
	}
	return db, nil
}

func (db *DB) lockAndOpen(ctx context.Context, cfg Config) (err error) {
	if db.lock, err = takeLock(ctx, cfg.Path); err != nil {
		return err
	}
	if err = db.open(ctx, cfg); err != nil {
		db.lock.release()
	}
	return err
}

func (db *DB) open(ctx context.Context, cfg Config) error {
	if cfg.Role == machine.Replica {
		db.side = openReplica(db, cfg)
		db.sql = openReader(cfg.Path)
		return nil
	}
	p, err := openPrimary(ctx, db, cfg)
	if err != nil {
		return err
	}
	db.side = p
	db.sql = openWriter(cfg.Path, p.wake)
	return nil
}

// SQL returns the handle for the app. It leaves marks on the trail in the
// context of each call. On a replica it is read-only, and its calls fail with
// SQLITE_CANTOPEN until there is data. Foreign keys are enforced; a busy database
// is waited for, up to 5 s. Do not change journal_mode or wal_autocheckpoint, and
// do not replace the commit hook of its connections.
func (db *DB) SQL() *sql.DB { return db.sql }

// State returns what the database is now, without I/O. Compare the epoch again
// after a Wait that took time: it may have changed meanwhile.
func (db *DB) State() position.State { return *db.state.Load() }

// Position returns how far the database has got. On a primary that covers every
// commit that finished before the call, and costs a look at the WAL, which calls
// at the same time share. On a replica it is what new reads see, without I/O;
// zero while there is no data.
func (db *DB) Position(ctx context.Context) (position.Position, error) {
	return db.side.position(ctx)
}

// Wait returns nil as soon as reads here see p, and immediately if they do now.
// Its errors are ctx's, [ErrPosition] and [ErrClosed]. p must be of this
// database's epoch.
func (db *DB) Wait(ctx context.Context, p position.Position) error {
	if err := checkPosition(p); err != nil {
		return err
	}
	if covers(db.tracker.Reached(), p) {
		return nil
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(db.life, cancel)()
	err := db.tracker.Wait(wait, p)
	if err != nil && ctx.Err() == nil {
		return ErrClosed
	}
	return err
}

// Status returns a picture of the database, without I/O.
func (db *DB) Status() Status {
	s := Status{State: db.State(), Position: db.tracker.Reached(), Waiting: db.tracker.Waiting()}
	db.side.status(&s)
	return s
}

// Feed returns the handler from which replicas read this primary's changes, one
// response without end for each. It ignores the URL's path. On a replica it
// answers 503. Serve it where only replicas can reach it, or set Config.Secret.
func (db *DB) Feed() http.Handler { return db.side.serveFeed() }

// Close ends every wait, feed and connection, and closes the file. On a primary
// all commits are captured first. It may be called again, with the same result.
func (db *DB) Close() error { return db.close() }

func (db *DB) shut() error {
	db.end()
	defer db.lock.release() // last: until then the files are in use
	return errors.Join(db.sql.Close(), db.side.close())
}

// setState is called by the side only.
func (db *DB) setState(role machine.Role, epoch position.Epoch) {
	db.state.Store(&position.State{Engine: Engine, Role: role, Epoch: epoch})
}
