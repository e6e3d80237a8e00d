package homing

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"homing/decision"
	"homing/machine"
	"homing/position"
	"homing/replay"
	"homing/trail"
)

// visit is one request at this site.
type visit struct {
	site *Site
	w    http.ResponseWriter
	r    *http.Request // as it came

	*finding // nil once the request is over
	made     decision.Decision

	// What the app gets stands here too, so that a visit is one piece of memory. Apps
	// may keep any of it, so none of it is used again for another request.
	trail trail.Trail
	stay  stay         // the request's context
	inner http.Request // as the app sees it
	held  heldWriter

	asked, marked atomic.Bool // by the handler: to go home, as writing
}

func (v *visit) serve(next http.Handler) {
	v.told = v.site.primaryOf(v.r)
	v.state, v.replaced = v.site.state(v.told)
	if isLocal(v.r) {
		v.made = decision.Decision{Reason: decision.Local, Role: v.state.Role}
		v.tell(v.w.Header())
		next.ServeHTTP(v.w, v.r)
		return
	}
	v.readStamp()
	v.writes = v.site.routes.writes(v.r)
	v.carried.read(v.r.Header, v.site.keys)
	v.made = v.decide()
	if v.made.Reason.IsHome() || v.made.Reason == decision.Returned {
		v.count(v.writes)
		v.goHome()
		return
	}
	v.hold(next)
	v.count(v.mayWrite() || v.trail.Has(trail.Wrote|trail.Refused))
}

// count counts the request where it first arrived.
func (v *visit) count(wrote bool) {
	if v.cameHome() == "" {
		v.site.count(wrote)
	}
}

// decide says what to do with the request before the app has seen it. It waits
// for the replica where that may help.
func (v *visit) decide() decision.Decision {
	d := decision.Decision{Role: v.state.Role}
	switch {
	case v.state.Role == machine.Primary:
		d.Reason = decision.Primary
	case v.cameHome() != "":
		d.Reason = decision.Returned
		if v.isKept() || v.mayGoOn() {
			d.Reason = v.cameHome() // the primary has moved on, or is about to
		}
	case v.replaced:
		d.Reason = decision.Replaced
	case v.state.Role == machine.None:
		d.Reason = decision.Down
	case v.writes:
		d.Reason = decision.Method
	case v.carried.tooMany:
		d.Reason = decision.Stale
	case len(v.carried.tokens) == 0:
		d.Reason = decision.Read
	default:
		v.await(&d)
	}
	return d
}

// cameHome returns why a machine of ours has sent this request home before; empty
// if none has. A client that makes that up only gets an error for itself.
func (v *visit) cameHome() decision.Reason {
	values := v.r.Header[replay.SourceHeader]
	if len(values) == 0 {
		return v.stamp.Reason
	}
	src, err := replay.ParseSource(values[0])
	if err != nil || !decision.Reason(src.State).IsHome() {
		return v.stamp.Reason
	}
	return decision.Reason(src.State)
}

// isKept reports whether an edge of ours keeps the request, should it have to, until it
// knows where the primary is. One that knows nothing hears of a history from us.
func (v *visit) isKept() bool {
	return v.told.Known() || v.site.cfg.Env.Edge && v.state.Epoch != ""
}

// await waits until the replica has all that the client's tokens name, for no
// longer than the site allows.
func (v *visit) await(d *decision.Decision) {
	var begun time.Time // when the first wait began: the clock is asked only then
	d.Reason = decision.Reached
	for _, t := range v.carried.tokens {
		switch {
		case t.IsWindow() && time.Now().Before(t.HomeUntil):
			d.Reason = decision.Threshold
			return
		case t.IsWindow():
			// Its time has passed.
		case t.Engine != v.state.Engine || t.Epoch != v.state.Epoch:
			d.Reason, d.Wanted = decision.Stale, t.Position // another line of history
			v.tellForeign(t.Token)
			return
		default:
			d.Wanted = t.Position
			if !v.reaches(t.Position, &begun, d) {
				d.Reason = decision.Stale
				return
			}
		}
	}
}

// tellForeign says once that clients carry tokens of another database. One of an
// earlier epoch is no news: there was a promotion.
func (v *visit) tellForeign(t position.Token) {
	if _, related := t.Epoch.Compare(v.state.Epoch); related || v.state.Epoch == "" {
		return
	}
	v.site.tellOnce("foreign token", "homing: a client carries a token of another database than the one here, or of this one before it was made anew; "+
		"such clients read at the primary until their tokens end", "token", t.Epoch, "here", v.state.Epoch)
}

// expired is a context that is over: waiting with it only asks.
var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

var errOtherEpoch = errors.New("promoted meanwhile")

// reaches waits for one position and notes in d what was found and waited.
func (v *visit) reaches(p position.Position, begun *time.Time, d *decision.Decision) bool {
	db := v.site.cfg.Database
	err := db.Wait(expired, p)
	if err != nil {
		if begun.IsZero() {
			*begun = time.Now()
		}
		ctx, cancel := context.WithDeadline(v.r.Context(), begun.Add(v.site.cfg.patience(v.home())))
		err = db.Wait(ctx, p)
		cancel()
		d.Reason, d.Waited = decision.Waited, time.Since(*begun)
		if err == nil && db.State().Epoch != v.state.Epoch {
			err = errOtherEpoch // what was reached is another history's
		}
	}
	d.Found, _ = db.Position(expired) // on a replica without I/O; only for the record
	return err == nil
}

// hold runs the app with its answer held back, and sends the request home if its
// trail says that the answer is worth nothing.
func (v *visit) hold(next http.Handler) {
	v.stay.outer, v.stay.visit = v.r.Context(), v
	defer v.stay.end()
	r, hw := &v.inner, &v.held
	*r = *v.r.WithContext(&v.stay) // a copy of it, which thereby needs no memory of its own
	if v.keepBody(); v.upload != nil {
		r.Body = v.upload.Reader()
		defer v.upload.Close()
	}
	hw.begin(&v.stay, v.w, v.site.cfg.Hold, v)
	panics := true
	defer func() {
		hw.done()
		// Whoever is around us finds what the app's mux and forms left on the
		// request: net/http removes a form's files by it.
		v.r.Pattern, v.r.MultipartForm = r.Pattern, r.MultipartForm
		reason, back := v.mayTurnBack()
		if !back && (panics || !hw.dropped) {
			return
		}
		if p := recover(); p != nil {
			// The handler gave up because of the very refusal that sends the
			// request home; where it runs again, nothing is refused.
			v.site.cfg.Logger.Debug("homing: a handler panicked after its write was refused", "panic", p)
		}
		hw.restore()
		if back {
			v.turnBack(reason)
		} else {
			v.tellDropped()
		}
	}()
	next.ServeHTTP(hw, r)
	hw.finish()
	panics = false
}

// release is called just before a served answer's head leaves; whole says that
// the handler is done. It returns false to hold the answer back after all.
func (v *visit) release(h http.Header, whole bool) bool {
	if _, refused := v.turnedBackBy(); refused {
		return false
	}
	v.tell(h)
	if v.trail.Has(trail.Lost) {
		h.Set(replay.OutcomeHeader, "unknown")
	}
	wrote := v.trail.Has(trail.Wrote)
	mayWrite := v.made.Role == machine.Primary && v.mayWrite()
	switch {
	case (wrote || mayWrite) && whole && v.made.Role == machine.Primary:
		t, _ := v.site.now(v.r.Context())
		v.attachWrite(h, t)
	case wrote || mayWrite:
		// On a replica, what was written went to the primary past us.
		// What follows may write more: no position read now would cover it.
		v.attachWrite(h, v.site.window())
	case v.site.cfg.Consistency == Session && v.site.cfg.Database != nil:
		v.attachSeen(h)
	case v.carried.cookies > fewTokens && v.site.cfg.Database != nil:
		v.attachInstead(h)
	}
	return true
}

// tell leaves the decision, and what the database here is, for the edge in front. Without an edge of ours nobody
// would take it off the answer.
func (v *visit) tell(h http.Header) {
	if !v.site.cfg.Env.Edge {
		return
	}
	var room [2 * usualText]byte
	v.held.lines.write(h, replay.DecisionHeader, v.made.Append(room[:0]))
	v.tellKeeping(h)
	if c, ok := v.site.claim(); ok {
		v.held.lines.write(h, replay.RoleHeader, c.Append(room[:0]))
	}
}
