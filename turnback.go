package homing

import (
	"net/http"

	"homing/decision"
	"homing/machine"
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

// mayTurnBack reports whether the request goes home after the app has seen it;
// where it should and the answer has begun, it says so in the log.
func (v *visit) mayTurnBack(hw *heldWriter) bool {
	_, refused := v.turnedBackBy()
	if refused && hw.committed {
		v.tellLate("the database refused a write after the answer had begun")
	}
	return refused && !hw.committed
}

// tellLate says once for each route that what it did came after its answer had begun.
func (v *visit) tellLate(what string) {
	v.site.tellOnce("late "+routeOf(v.r), "homing: "+what+", so the client got that answer; "+
		"mark the route as writing", "route", routeOf(v.r), "by", v.site.cfg.Names.WriteRoutes)
}

// turnBack sends the request home after the app has seen it.
func (v *visit) turnBack() {
	v.made.Reason, _ = v.turnedBackBy()
	if v.made.Reason == decision.Captured {
		v.site.tellOnce("writes "+routeOf(v.r), "homing: this route writes, which its method does not say; it was tried here first and then sent home. "+
			"Marking it saves the try", "route", routeOf(v.r), "by", v.site.cfg.Names.WriteRoutes)
	}
	v.goHome()
}

// drop stops the app, whose answer nobody will see.
func (v *visit) drop() { v.stay.end() }
