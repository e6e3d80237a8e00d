package homing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"homing/machine"
	"homing/position"
)

// ErrBehind says that reads here do not see yet what a token names.
var ErrBehind = errors.New("homing: the database here has not got what the token names")

// Token returns a token for what the database of this request has by now, to go with
// a job that the request leaves for a worker, or to another service; see [Site.Token].
// It is empty where no [Site] decides about the request, as without regions.
func Token(ctx context.Context) string {
	if v := visitOf(ctx); v != nil {
		return v.site.Token(ctx)
	}
	return ""
}

// Token returns a token for what the database here has by now: call it after the
// commit that a job builds on. It is text without blanks, of at most 512 bytes, for
// [Site.Wait] where the job runs, or for the request header Homing-Position. Where no
// position can be read it names a time that is later by [Config.Window]. Without
// regions it is empty.
func (s *Site) Token(ctx context.Context) string {
	if s.off() {
		return ""
	}
	t, _ := s.now(ctx)
	return t.text
}

// roleInterval is how often those are looked after that wait for the database here to
// become another's replica, or the primary. Looking costs no query.
const roleInterval = 100 * time.Millisecond

// Wait returns nil as soon as reads of the database here see all that token names,
// which is at once on the primary, for an empty token, and without regions. When ctx
// ends before, or when it can never be so, the error is [ErrBehind]: run the job at
// the primary then, or later. A text that is no token of this app, or is signed with
// another secret, is another error. Without a deadline in ctx it may take for ever.
func (s *Site) Wait(ctx context.Context, token string) error {
	if s.off() || token == "" {
		return nil
	}
	t, err := s.keys.Open(token)
	if err != nil {
		return fmt.Errorf("homing: this is no token, or one that another HOMING_SECRET has signed: %w", err)
	}
	for {
		done, err := s.reaches(ctx, t)
		if done {
			return err
		}
		if err := pause(ctx, roleInterval); err != nil {
			return notYet(err)
		}
	}
}

// reaches waits for t for as long as the database here stays what it is; done says
// that nothing will change what it found.
func (s *Site) reaches(ctx context.Context, t position.Token) (done bool, err error) {
	st, _ := s.state(s.lastTold())
	order, related := t.Epoch.Compare(st.Epoch)
	switch {
	case st.Role == machine.Primary:
		return true, nil // what it has not got is gone
	case t.IsWindow():
		if err := pause(ctx, time.Until(t.HomeUntil)); err != nil {
			return true, notYet(err)
		}
		return true, nil
	case s.cfg.Database == nil:
		return true, notYet(errors.New("no database is configured"))
	case st.Role == machine.None || related && order > 0:
		return false, nil // a promotion that has not arrived here yet
	case t.Engine != st.Engine || t.Epoch != st.Epoch:
		return true, notYet(errors.New("it is from another line of history, as from before a promotion"))
	}
	if err := s.cfg.Database.Wait(ctx, t.Position); err != nil {
		return true, notYet(err)
	}
	return s.cfg.Database.State().Epoch == st.Epoch, nil
}

func notYet(why error) error { return fmt.Errorf("%w: %w", ErrBehind, why) }

// pause returns nil after d, or what ended ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
