package edge

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"homing/fleet"
	"homing/forward"
	"homing/replay"
	"homing/route"
)

const (
	// reach is how long a target is tried to be reached, where a replay does not
	// say.
	reach = 8 * time.Second
	// connectLimit bounds one connection to a machine, where Config does not.
	connectLimit = 5 * time.Second
)

// passage is how a machine is asked.
type passage struct {
	fresh   bool          // on a new connection, after a kept one failed
	connect time.Duration // how long connecting may take
}

// hop is the delivery of a request to one target: machines are asked until one
// answers, in so far as that cannot run the request twice.
type hop struct {
	*trip
	begun   time.Duration // into the trip
	now     time.Duration // likewise: when this try began
	waited  bool          // for a primary or a slot
	setback route.Setback // what is known of the last failure, and of all before it
	last    error         // of the last exchange
}

// bring brings the request to the machine that the wish names, to where a replay
// falls back to, or to the app where the cached target could not be reached.
func (t *trip) bring() (*forward.Response, error) {
	for {
		h := &t.hop
		*h = hop{trip: t, begun: t.elapsed()}
		answer, step, err := h.run()
		switch {
		case err == nil:
			return answer, nil
		case step.Action == route.AskApp:
			t.askApp()
		case step.Action == route.FallBack:
			t.fallBack(step.Reason, t.elapsed()-h.begun)
		default:
			return nil, err
		}
	}
}

// run asks machines until one answers, or the step that is left.
func (h *hop) run() (*forward.Response, route.Step, error) {
	h.wish.Tried = nil
	var x passage
	for h.now = h.begun; ; h.now = h.elapsed() {
		answer, err := h.try(x)
		if err == nil {
			return answer, route.Step{}, nil
		}
		if h.life.Err() != nil {
			return nil, route.Step{}, err
		}
		step, again := h.next(err)
		if !again {
			return nil, step, h.verdict(err)
		}
		x.fresh = step.Action == route.SameAgain
	}
}

// next says what follows a failure, and prepares another try if that is it.
func (h *hop) next(err error) (step route.Step, again bool) {
	step = route.Next(h.judge(err))
	switch step.Action {
	case route.SameAgain:
	case route.Another:
		h.wish.Tried = append(h.wish.Tried, h.slot.Machine.ID)
	case route.Pause:
		h.pause(step.Wait)
	default:
		return step, false
	}
	return step, true
}

// try chooses a machine, unless the same is to be asked again, and asks it.
func (h *hop) try(x passage) (*forward.Response, error) {
	if !x.fresh {
		h.slot.Release()
		if err := h.headHome(); err != nil {
			return nil, err
		}
		slot, err := h.edge.cfg.Queue.Wait(h.in.ctx, h.edge.cfg.Fleet, h.take)
		h.arrive()
		if err != nil {
			return nil, err
		}
		h.slot = slot
	}
	body, err := h.attempt()
	if err != nil {
		return nil, err
	}
	limit := cmp.Or(h.edge.cfg.Machines.ConnectTimeout, connectLimit)
	x.connect = max(time.Millisecond, min(limit, h.left(h.now)))
	h.tellPreferred(h.slot.Machine)
	h.tellPrimary(h.slot.Machine)
	h.setback.Tries++
	answer, err := h.ask(h.slot.Machine, body, x, h.now)
	if err != nil {
		h.last = err
	}
	return answer, err
}

// choose takes a slot of a machine.
func (t *trip) choose(s *fleet.Snapshot) (fleet.Slot, error) {
	t.fleet = s
	slot, err := route.Take(s, &t.wish)
	if err != nil {
		t.hop.waited = true
	}
	return slot, err
}

// arrive goes on after a wait for a primary or in the queue, which have times of their own.
func (h *hop) arrive() {
	if !h.waited {
		return
	}
	arrived := h.elapsed()
	h.begun += arrived - h.now
	h.now, h.waited = arrived, false
}

// left is how much time there is still to reach the target.
func (h *hop) left(now time.Duration) time.Duration {
	return cmp.Or(h.wish.Replay.Timeout, reach) - (now - h.begun)
}

// judge describes a failure to [route.Next].
func (h *hop) judge(err error) route.Setback {
	b := &h.setback
	b.Why, b.Sent, b.Answered, b.Reused, b.Unprocessed = 0, false, false, false, false
	b.BodyGone = errors.Is(err, forward.ErrBroken) || errors.Is(err, forward.ErrNotKept)
	b.Safe, b.Replayed, b.Left = !h.runsOnce(), h.replays > 0, h.left(h.elapsed())
	b.Cached = h.cache.hit != nil
	if !h.fellBack {
		b.Fallback = h.wish.Replay.Fallback
	}
	var none *route.Error
	var fail *forward.Error
	switch {
	case errors.As(err, &none):
		b.Why = none.Why
	case errors.Is(err, forward.ErrUnwritable):
		b.Answered = true // no other machine could be sent it either
	case errors.As(err, &fail):
		b.Sent, b.Answered, b.Reused, b.Unprocessed = fail.Sent, fail.Answered, fail.Reused, fail.Unprocessed
		b.Written = b.Written || fail.Sent
	default:
		b.Answered = true // nobody knows what happened: nothing is done again
	}
	return *b
}

// verdict is the error of a hop that ends. Where only one machine was there to be
// asked, what went wrong with it says more than that no other is left.
func (h *hop) verdict(err error) error {
	switch {
	case h.last != nil && errors.Is(err, forward.ErrNotKept):
		return h.last // what made a second try necessary says more
	case h.last == nil || h.setback.Why == 0:
		return err
	case h.setback.Waits == 0 && len(h.wish.Tried) <= 1:
		return h.last
	}
	return fmt.Errorf("%w; the last of %d tries: %w", err, h.setback.Tries, h.last)
}

// pause waits for a target that is not ready: for the time, or for a change of the
// fleet.
func (h *hop) pause(wait time.Duration) {
	h.setback.Waits++
	h.wish.Tried = nil
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.fleet.Changed():
	case <-h.in.ctx.Done():
	}
}

// fallBack turns the request round to the machine that asked for the replay, and
// tells it why.
func (t *trip) fallBack(why replay.FailureReason, after time.Duration) {
	in := t.wish.Replay
	failure := replay.Failure{Instance: in.Instance, App: in.App, Source: t.wish.Origin, Reason: why, Elapsed: after}
	if len(in.Regions) > 0 {
		failure.Region = in.Regions[0]
	}
	t.wish = t.wish.Fallback()
	t.fellBack, t.homeward = true, false
	t.header.Del(replay.SourceHeader)
	t.header.Del(replay.CacheStatusHeader)
	t.header.Set(replay.FailedHeader, failure.String())
}

// tellPreferred tells a machine that it stands in for a preferred one.
func (t *trip) tellPreferred(m *fleet.Machine) {
	t.header.Del(replay.PreferredGoneHeader)
	wanted := t.wish.Replay.PreferInstance
	if t.replays == 0 {
		wanted = t.wish.Asked.PreferInstance
	}
	if wanted != "" && wanted != m.ID && !t.fellBack {
		t.header.Set(replay.PreferredGoneHeader, string(wanted))
	}
}
