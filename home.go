package homing

import (
	"fmt"
	"net/http"

	"homing/decision"
	"homing/region"
	"homing/replay"
)

// goHome sends the request to the primary's region: by a replay, where somebody in
// front carries it out, or by itself; else it answers with an error that says why.
func (v *visit) goHome() {
	by := v.passage()
	switch {
	case v.wasForwarded() && by != byReplay:
		v.refuseAgain()
	case v.made.Reason == decision.Returned:
		v.unavailable("The request was sent to this region to reach the primary, which is not here (now?).")
	case by == byForwarding:
		v.forward()
	case by == byReplay:
		v.replay()
	default:
		v.site.tellOnce("no edge", "homing: requests that belong at the primary cannot get there: nothing in front carries out fly-replay "+
			"(no Fly-Region on the request); put an edge in front, or set HOMING_REPLAY=forward and HOMING_PRIMARY_URL", "primary", v.home())
		v.made.Reason = decision.Nowhere
		v.unavailable("The request belongs in region " + string(v.home()) + ", and nothing in front of this machine can take it there: " +
			"put an edge there, or set HOMING_REPLAY=forward and HOMING_PRIMARY_URL.")
	}
}

// replay answers with a replay to the primary's region.
func (v *visit) replay() {
	to := replay.Instruction{Regions: []region.Code{v.home()}, State: string(v.made.Reason)}
	value, err := to.Format()
	if err != nil { // cannot be: New has checked the region, and states are words
		v.unavailable("The request could not be sent to region " + string(v.home()) + ".")
		return
	}
	h := v.w.Header()
	v.tell(h)
	h.Set(replay.Header, value)
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusConflict)
}

// unavailable answers 503 with one line.
func (v *visit) unavailable(text string) { v.refuse(http.StatusServiceUnavailable, text) }

// refuse answers with one line. What is wrong may be over in a moment.
func (v *visit) refuse(status int, text string) {
	h := v.w.Header()
	v.tell(h)
	h.Set("Retry-After", "1")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	v.w.WriteHeader(status)
	fmt.Fprintln(v.w, text)
}

// home is the primary's region, as the edge tells; PRIMARY_REGION where it does not.
// While there is no primary, an edge of ours keeps the request until there is one.
func (v *visit) home() region.Code {
	if v.told.Region != "" {
		return v.told.Region
	}
	return v.site.cfg.PrimaryRegion
}
