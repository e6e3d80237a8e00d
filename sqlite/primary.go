package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"homing/machine"
	"homing/position"
)

// monitorEvery is how soon a commit by another program is captured.
const monitorEvery = time.Second

// primary captures the file's changes. One goroutine, run, does all the work, in
// rounds; whoever needs a position joins the round that has not begun.
type primary struct {
	cfg     Config
	log     *slog.Logger
	capture *capture
	tracker *position.Tracker
	epoch   position.Epoch
	guard   driver.Conn // see openGuard
	files   inodes      // what guard has open

	life context.Context // the DB's
	kick chan struct{}   // holds one: "there is something to do"
	done sync.WaitGroup

	mu   sync.Mutex
	next *round
	err  error // of the last round
	pins map[*uint64]struct{}
}

// round is one look at the WAL.
type round struct {
	done chan struct{} // closed when the fields below are set
	pos  position.Position
	err  error
}

func newRound() *round { return &round{done: make(chan struct{})} }

func openPrimary(ctx context.Context, db *DB, cfg Config) (*primary, error) {
	p := &primary{
		cfg: cfg, log: cfg.Logger, tracker: db.tracker, life: db.life,
		kick: make(chan struct{}, 1), next: newRound(), pins: map[*uint64]struct{}{},
	}
	var err error
	if p.guard, err = openGuard(ctx, cfg.Path); err != nil {
		return nil, err
	}
	newest, err := p.begin(ctx)
	if err != nil {
		if p.guard != nil {
			p.guard.Close()
		}
		return nil, err
	}
	p.tracker.Advance(formatTXID(newest))
	db.setState(machine.Primary, p.epoch)
	p.done.Go(p.run)
	p.done.Go(p.pruneNowAndThen)
	return p, nil
}

// begin captures what is there. Captured changes that cannot be read are
// dropped, and the epoch with them; a database that another program keeps busy
// says nothing against them.
func (p *primary) begin(ctx context.Context) (uint64, error) {
	newest, err := p.resume(ctx)
	if err == nil || ctx.Err() != nil || sqliteCode(err)&0xff == codeBusy {
		return newest, err
	}
	p.log.Warn("captured changes cannot be continued; starting anew", "err", err)
	if err := errors.Join(os.RemoveAll(metaDir(p.cfg.Path)), p.reopenGuard(ctx)); err != nil {
		return 0, err
	}
	return p.resume(ctx)
}

// reopenGuard takes the guard's lock on the file again. The capture that was given
// up had the file open too, and closing that ends all locks that this process has on
// it (fcntl(2)): the next program to close the file would take itself for the last
// one, and remove the WAL.
func (p *primary) reopenGuard(ctx context.Context) (err error) {
	if err := p.guard.Close(); err != nil {
		return err
	}
	p.guard, err = openGuard(ctx, p.cfg.Path)
	return err
}

// resume continues the capture, in the same epoch if nothing is missing.
func (p *primary) resume(ctx context.Context) (newest uint64, err error) {
	if err := os.MkdirAll(metaDir(p.cfg.Path), 0o700); err != nil {
		return 0, err
	}
	if p.epoch, err = takeEpoch(p.cfg.Path); err != nil {
		return 0, err
	}
	p.capture = newCapture(p.cfg.Path, p.log)
	defer func() {
		if err != nil {
			p.capture.close()
		}
	}()
	before, err := p.capture.newest()
	if err != nil {
		return 0, err
	}
	if newest, err = p.capture.sync(ctx); err != nil {
		return 0, err
	}
	if p.files, err = inodesOf(p.cfg.Path); err != nil {
		return 0, err
	}
	whole, err := p.wholeSince(before, newest)
	if err != nil {
		return 0, err
	}
	if whole || p.epoch == "" {
		p.epoch = newEpoch()
	}
	return newest, putEpoch(p.cfg.Path, p.epoch)
}

// wholeSince reports whether a file since before holds all pages. Litestream
// writes such a one where the WAL does not continue what it has captured: commits
// may have been lost, whose positions must not be handed out twice in one epoch.
// A small change to a small file may look the same; that only costs an epoch.
func (p *primary) wholeSince(before, newest uint64) (bool, error) {
	if before == 0 {
		return true, nil
	}
	for n := before + 1; n <= newest; n++ {
		f, err := p.capture.open(n)
		if err != nil {
			return false, err
		}
		whole, err := isWhole(f)
		f.Close()
		if whole || err != nil {
			return whole, err
		}
	}
	return false, nil
}

func isWhole(r io.Reader) (bool, error) {
	var pages uint32
	hdr, err := readLTX(r, nil, func(uint32, []byte) error { pages++; return nil })
	if err != nil {
		return false, err
	}
	return pages >= pagesIn(hdr), nil
}

// wake has a round begin soon. It never blocks.
func (p *primary) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// run captures after each commit it is told of, and once a second.
func (p *primary) run() {
	tick := time.NewTicker(monitorEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.life.Done():
			p.finish(p.nextRound(), 0, ErrClosed) // and it stays the next one
			return
		case <-p.kick:
		case <-tick.C:
		}
		r := p.takeRound()
		newest, err := p.look()
		p.finish(r, newest, err)
	}
}

// look captures what is new. The files are looked at first: when they were
// removed, the capture may see nothing for a while, and say that all is well.
func (p *primary) look() (uint64, error) {
	if err := p.files.check(); err != nil {
		return 0, err
	}
	return p.capture.sync(p.life)
}

// nextRound returns the round that has not begun.
func (p *primary) nextRound() *round {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// takeRound begins the next round: whoever comes now joins the one after.
func (p *primary) takeRound() *round {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.next
	p.next = newRound()
	return r
}

func (p *primary) finish(r *round, newest uint64, err error) {
	switch {
	case err == nil:
		r.pos = formatTXID(newest)
		p.tracker.Advance(r.pos)
	case p.life.Err() != nil:
		r.err = ErrClosed
	default:
		r.err = fmt.Errorf("sqlite: capturing changes: %w", err)
	}
	close(r.done)
	p.mu.Lock()
	failed, was := err != nil, p.err != nil
	p.err = r.err
	p.mu.Unlock()
	switch {
	case p.life.Err() != nil || failed == was:
	case failed:
		p.log.Error("changes cannot be captured; replicas stand still", "err", err)
	default:
		p.log.Info("changes are captured again")
	}
}

func (p *primary) position(ctx context.Context) (position.Position, error) {
	r := p.nextRound()
	p.wake()
	select {
	case <-r.done:
		return r.pos, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (p *primary) status(s *Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Err, s.Followers = p.err, len(p.pins)
}

func (p *primary) serveFeed() http.Handler { return newFeed(p) }

// close is called when the DB's life has ended.
func (p *primary) close() error {
	p.done.Wait()
	gone := p.files.check() // while the guard keeps the WAL
	err := errors.Join(p.capture.close(), p.guard.Close())
	if gone != nil {
		return fmt.Errorf("sqlite: %s: %w", p.cfg.Path, gone)
	}
	return err
}
