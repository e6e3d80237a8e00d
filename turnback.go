package homing

import (
	"net/http"

	"homing/decision"
	"homing/machine"
	"homing/replay"
	"homing/trail"
)

// turnedBackBy returns the reason to drop the answer of this request, if any.
func (v *visit) turnedBackBy() (decision.Reason, bool) {
	switch {
	case v.trail.Has(trail.Wrote | trail.Lost):
		return "", false // what was written must not be written twice
	case v.made.Role == machine.Primary && v.site.cfg.Env.Edge && v.trail.Has(trail.Conflict):
		return decision.Down, true // the edge keeps it until there is a primary
	case v.made.Role == machine.Primary:
		return "", false
	case v.marked.Load():
		return decision.Method, true
	case v.asked.Load():
		return decision.Asked, true
	case v.trail.Has(trail.Refused):
		return decision.Captured, true
	case v.trail.Has(trail.Conflict):
		return decision.Conflict, true
	case v.isMissing():
		return decision.Missing, true
	}
	return "", false
}

// isMissing reports whether a read found nothing here that may be at home.
func (v *visit) isMissing() bool {
	wanted := v.site.cfg.SecondTry || v.site.cfg.SecondTryOwn && len(v.carried.tokens) > 0
	return wanted && v.held.status == http.StatusNotFound && isSafe(v.r.Method)
}

// mayTurnBack returns why the request goes home after the app has seen it, if it does;
// where it should and the answer has begun, it says so in the log.
func (v *visit) mayTurnBack() (reason decision.Reason, back bool) {
	reason, back = v.turnedBackBy()
	if back && v.held.committed {
		v.tellLate("the database refused a write after the answer had begun")
		return "", false
	}
	return reason, back
}

// tellLate says once for each route that what it did came after its answer had begun.
// It asks the app's request, where the app's mux has left the pattern before: a goroutine
// may be here while the handler returns.
func (v *visit) tellLate(what string) {
	route := routeOf(&v.inner)
	v.site.tellOnce("late "+route, "homing: "+what+", so the client got that answer; "+
		"mark the route as writing", "route", route, "by", v.site.cfg.Names.WriteRoutes)
}

// turnBack sends the request home after the app has seen it.
func (v *visit) turnBack(reason decision.Reason) {
	v.made.Reason = reason
	if v.made.Reason == decision.Captured {
		v.site.tellOnce("writes "+routeOf(v.r), "homing: this route writes, which its method does not say; it was tried here first and then sent home. "+
			"Marking it saves the try", "route", routeOf(v.r), "by", v.site.cfg.Names.WriteRoutes)
	}
	v.goHome()
}

// tellDropped answers a request whose answer was dropped before it wrote after all, or
// lost the primary at work: it can run no second time, and there is nothing left to say.
func (v *visit) tellDropped() {
	const text = "homing: a request was to run at the primary, so its answer was dropped, but its handler went on and has written, or may have"
	v.site.tellOnce("dropped "+routeOf(v.r), text+"; mark the route as writing", "route", routeOf(v.r), "by", v.site.cfg.Names.WriteRoutes)
	h := v.w.Header()
	v.tell(h)
	if v.trail.Has(trail.Wrote) {
		v.attachWrite(h, v.site.window())
	}
	h.Set(replay.OutcomeHeader, "unknown")
	http.Error(v.w, text+".", http.StatusInternalServerError)
}

// drop stops the app, whose answer nobody will see.
func (v *visit) drop() { v.stay.end() }
