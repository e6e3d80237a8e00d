package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/machine"
	"homing/position"
)

const (
	// often is how often the server is looked at while nobody waits.
	often = time.Second
	// retry is how soon after a failure.
	retry = 250 * time.Millisecond
	// firstLooks and every freshLook-th after them are by new connections, which find
	// out whether the address leads to several servers.
	firstLooks = 3
	freshLook  = 10
)

// watch looks at the server until ctx ends. It alone changes what is seen.
func (db *DB) watch(ctx context.Context) {
	defer close(db.watched)
	w := &watch{db: db, kin: newKin(ctx, db), sentry: newSentry()}
	defer w.kin.done.Wait()
	defer w.drop()
	defer w.sentry.leave()
	for ctx.Err() == nil {
		switch due := w.due(); {
		case due <= 0:
			w.lookAgain(ctx)
		case db.tracker.Waiting() > 0:
			w.follow(ctx)
		default:
			w.rest(ctx, due)
		}
	}
}

// lookAgain takes a look, and settles the doubts that wanted it.
func (w *watch) lookAgain(ctx context.Context) {
	settled := w.db.doubts.take()
	err := w.look(ctx)
	if err != nil && ctx.Err() == nil {
		w.lost(err)
	}
	settled()
	if err != nil {
		w.rest(ctx, retry)
	}
}

// due is how long it is until the next whole look.
func (w *watch) due() time.Duration {
	if w.conn == nil || w.db.doubts.pending() {
		return 0
	}
	return often - time.Since(w.looked)
}

// watch is used by one goroutine.
type watch struct {
	db       *DB
	conn     *pgx.Conn
	sentry   *sentry
	looks    int
	looked   time.Time // when the last whole look was
	rhythm   rhythm
	flowed   time.Time // when a replica was last seen to receive
	down     bool      // what the log was told last
	servers  identities
	kin      *kin
	compared comparison // what was held against the settings
	told     string     // the last that the log was told of that

	followed  pulse // what a replica here said last
	unrenewed bool  // the log was told that a promotion could not be noted
}

// look takes a whole look, on a new connection if the old one fails.
func (w *watch) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if w.looks++; w.looks <= firstLooks || w.looks%freshLook == 0 {
		w.drop()
		w.sentry.review()
	}
	l, err := w.try(ctx)
	if err != nil && ctx.Err() == nil { // the connection may have been closed while idle
		l, err = w.try(ctx)
	}
	if err != nil {
		return err
	}
	w.looked = time.Now()
	w.suspect(&l)
	w.judge(&l)
	w.show(l)
	return nil
}

// try looks once; a connection that fails is dropped.
func (w *watch) try(ctx context.Context) (look, error) {
	if w.conn == nil {
		var err error
		if w.conn, err = w.db.eye.connect(ctx); err != nil {
			w.conn = nil
			return look{}, err
		}
	}
	l, err := w.db.eye.look(ctx, w.conn)
	if err == nil {
		err = w.succeed(ctx, &l)
	}
	if err != nil {
		w.drop()
	}
	return l, err
}

func (w *watch) drop() {
	if w.conn != nil {
		drop(w.conn)
		w.conn = nil
	}
}

// judge completes a look by what was seen before.
func (w *watch) judge(l *look) {
	if l.role == machine.Replica && l.lag.Known {
		if l.streaming || w.flowed.IsZero() {
			w.flowed = w.looked
		}
		// What a replica that receives nothing has is as old as that.
		l.lag.Behind = max(l.lag.Behind, w.looked.Sub(w.flowed))
	}
	if w.servers.spread(l.identity) && l.blind == nil {
		l.blind = errSpread
	}
}

// show makes a look known.
func (w *watch) show(l look) {
	before := w.db.seen.Swap(&l)
	switch {
	case l.blind != nil && before.blind == nil:
		w.db.log.Warn("postgres: positions cannot be used, so after a write a client's reads go home for a while", "err", l.blind, l.mend)
	case l.problem != "": // it is told already
	case before.role != l.role || before.epoch != l.epoch:
		w.db.log.Info("postgres: the database here is known", "role", l.role, "epoch", l.epoch)
	}
	w.down = false
	if l.blind == nil {
		w.db.tracker.Advance(l.at)
	}
}

// lost makes it known that the server cannot be seen.
func (w *watch) lost(err error) {
	if !w.down {
		w.db.log.Warn("postgres: the database here cannot be used; requests go home until it can", "why", Diagnose(err))
	}
	w.down = true
	w.db.seen.Store(&look{problem: Diagnose(err)})
}

// rest waits until it is time to look again, the sentry is back, or somebody begins to
// wait. It reports whether somebody did.
func (w *watch) rest(ctx context.Context, pause time.Duration) (roused bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-w.db.wake:
		return true
	case s := <-w.sentry.back:
		// A look may have told more meanwhile.
		if seen := w.db.seen.Load(); w.sentry.returned(s, seen.identity) && covers(s.at.position(), seen.at) {
			w.saw(s.role, s.at.position())
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// follow learns of the position for as long as somebody waits: from the sentry, or by
// glancing again and again.
func (w *watch) follow(ctx context.Context) {
	w.rhythm.begin()
	for w.db.tracker.Waiting() > 0 && w.due() > 0 && ctx.Err() == nil {
		pause := often
		if !w.posts(ctx) {
			w.glance(ctx)
			pause = w.rhythm.pause()
		}
		if w.rest(ctx, min(pause, w.due())) {
			w.rhythm.join()
		}
	}
}

// posts has the sentry stand for the first of what is awaited, and reports whether it
// does. Of those behind it the next has its turn then.
func (w *watch) posts(ctx context.Context) bool {
	first, err := parseLSN(string(w.db.tracker.First()))
	if err != nil || !w.db.seen.Load().waitable {
		return false
	}
	w.sentry.send(ctx, w.db.eye, first)
	return w.sentry.stands(first)
}

// glance looks at the position alone.
func (w *watch) glance(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	role, at, err := w.db.eye.glance(ctx, w.conn)
	if err != nil {
		w.drop() // and so a whole look is due
		return
	}
	w.saw(role, at)
}

// saw makes a position known that was seen between whole looks.
func (w *watch) saw(role machine.Role, at position.Position) {
	seen := w.db.seen.Load()
	if role != seen.role || seen.blind != nil {
		w.looked = time.Time{} // a whole look will tell
		return
	}
	next := *seen
	next.at = at
	w.db.seen.Store(&next)
	before := w.db.tracker.Waiting()
	w.db.tracker.Advance(at)
	w.rhythm.ended(before - w.db.tracker.Waiting())
}
