package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"homing/machine"
	"homing/position"
)

// The pauses between attempts to reach the feed: short after a connection that
// brought something, then doubled.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 2 * time.Second
)

// replica keeps a copy of the primary's file. One goroutine, run, reads the feed
// and writes the copy; nobody else does either.
type replica struct {
	db   *DB
	cfg  Config
	log  *slog.Logger
	feed follower
	copy *copyFile

	// Of run: what the file is at. resume is false when the next connection must
	// begin with a snapshot, whatever the file is at.
	epoch   position.Epoch
	applied uint64
	resume  bool

	done sync.WaitGroup

	mu        sync.Mutex
	err       error
	connected time.Time
	lag       time.Duration
	snapshots int
}

var errNotYet = errors.New("the feed has not been reached yet")

// openReplica never fails: what is wrong with the local file, a snapshot
// mends.
func openReplica(db *DB, cfg Config) *replica {
	r := &replica{db: db, cfg: cfg, log: cfg.Logger, feed: newFollower(cfg), err: errNotYet}
	r.copy = &copyFile{path: cfg.Path}
	r.begin()
	r.done.Go(r.run)
	return r
}

// begin takes up what the last clean Close left, if it did.
func (r *replica) begin() {
	m, clean := takeMark(r.cfg.Path)
	if _, err := os.Stat(r.cfg.Path); err != nil {
		return
	}
	if err := r.copy.open(); err != nil {
		r.log.Warn("the replica's file is of no use; it will be replaced", "err", err)
		return
	}
	if clean {
		r.epoch, r.applied, r.resume = m.epoch, m.applied, true
		r.publish()
	}
}

// publish tells readers what the file is at.
func (r *replica) publish() {
	r.db.setState(machine.Replica, r.epoch)
	r.db.tracker.Advance(formatTXID(r.applied))
}

// run follows the feed until Close.
func (r *replica) run() {
	pause := firstPause
	for r.db.life.Err() == nil {
		before := r.applied
		err := r.session(r.db.life)
		r.failed(err)
		if r.applied != before && !damaged(err) {
			pause = firstPause
		}
		select {
		case <-r.db.life.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// session follows one connection to its end, which always is an error.
func (r *replica) session(ctx context.Context) error {
	if err := r.present(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	epoch, after := r.epoch, r.applied
	if !r.resume {
		epoch = ""
	}
	s, err := r.feed.connect(ctx, cancel, epoch, after)
	if err != nil {
		return err
	}
	defer s.close()
	r.succeeded()
	for {
		f, err := s.frames.next()
		if err != nil {
			return err
		}
		if err := r.take(s, f); err != nil {
			return err
		}
	}
}

// take applies one frame. After one that cannot be applied, the replica stands
// where it stood.
func (r *replica) take(s *session, f frame) error {
	var err error
	switch f.kind {
	case frameSnapshot:
		err = r.snapshot(s, f)
	case frameChange:
		err = r.change(s, f)
	default: // a frame that means: I live
		_, err = s.frames.small(0)
	}
	if damaged(err) {
		r.resume = false
	}
	if err != nil {
		return err
	}
	return r.present()
}

// present gives up the role when the file is not in its place any more: open
// connections would go on reading what has no name, and new ones would fail. It is
// not replaced while this DB is open, since the app's idle connections would keep
// the old one, and show old data for new positions.
func (r *replica) present() error {
	if r.copy.db == nil {
		return nil
	}
	err := r.copy.files.check()
	if err != nil {
		r.resume = false
		r.db.setState(machine.None, "")
		r.db.tracker.Advance("")
	}
	return err
}

// damaged tells what only a snapshot mends from what passes: a lost connection,
// a full disk.
func damaged(err error) bool {
	switch sqliteCode(err) & 0xff {
	case codeError, codeCorrupt, codeNotADB:
		return true
	}
	return errors.Is(err, errCorrupt)
}

func (r *replica) change(s *session, f frame) error {
	if s.epoch != r.epoch || f.number != r.applied+1 || !r.resume {
		r.resume = false
		return errGap
	}
	if err := r.copy.change(s.frames, f.number); err != nil {
		return err
	}
	r.reached(s.epoch, f)
	return nil
}

// snapshot takes over the whole database. Positions of another epoch mean
// nothing in this one, and neither does its data once that epoch is over: there is
// no role until the new one is here.
func (r *replica) snapshot(s *session, f frame) error {
	if s.epoch != r.epoch {
		r.db.setState(machine.None, "")
		r.db.tracker.Advance("")
	}
	if err := r.copy.replace(s.frames, f.number); err != nil {
		return err
	}
	r.mu.Lock()
	r.snapshots++
	r.mu.Unlock()
	r.reached(s.epoch, f)
	return nil
}

// reached is called when f's content is committed.
func (r *replica) reached(epoch position.Epoch, f frame) {
	r.epoch, r.applied, r.resume = epoch, f.number, true
	r.mu.Lock()
	r.lag = time.Since(f.captured)
	r.mu.Unlock()
	r.publish()
	r.copy.trim()
}

func (r *replica) succeeded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.connected = nil, time.Now()
	r.log.Info("following the primary's feed", "feed", r.cfg.Feed)
}

// failed notes why there is no connection, and logs it when it is news.
func (r *replica) failed(err error) {
	if r.db.life.Err() != nil {
		err = ErrClosed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	news := r.err == nil || r.err == errNotYet
	r.err, r.connected = err, time.Time{}
	if news && err != ErrClosed {
		r.log.Warn("not following the primary's feed; trying again", "feed", r.cfg.Feed, "err", err)
	}
}

func (r *replica) position(context.Context) (position.Position, error) {
	return r.db.tracker.Reached(), nil
}

func (r *replica) status(s *Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Err, s.Connected, s.Lag, s.Snapshots = r.err, r.connected, r.lag, r.snapshots
}

func (r *replica) serveFeed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not the primary", http.StatusServiceUnavailable)
	})
}

// close is called when the DB's life has ended.
func (r *replica) close() error {
	r.done.Wait()
	r.feed.close()
	if err := r.copy.close(); err != nil || !r.resume {
		return err
	}
	return putMark(r.cfg.Path, mark{epoch: r.epoch, applied: r.applied})
}
