package sidecar

import (
	"net/http"
	"strings"
	"time"

	"homing/observe"
	"homing/replay"
	"homing/trail"
	"homing/wire"
)

// A Witness sees what an app does to its database, but not for which request.
type Witness interface {
	// Since returns what has happened since a moment, as marks: [trail.Wrote] when a
	// transaction that may have changed data was committed, and so on. What the
	// database has answered is marked before the app hears of it. It is asked several
	// times for each request, and by many at once, so it does no I/O.
	Since(t time.Time) trail.Mark
}

// failures are marks that make an answer worth nothing, if it is an error.
const failures = trail.Refused | trail.Conflict | trail.Lost

// did are the words of an answer's Homing-Did.
var did = map[string]trail.Mark{"wrote": trail.Wrote, "refused": trail.Refused}

// listen notes what the app says of its request.
func (t *trip) listen(header wire.Header) {
	for line := range header.Values(replay.DidHeader) {
		for word := range strings.SplitSeq(line, ",") {
			word = strings.ToLower(strings.TrimSpace(word))
			m, ok := did[word]
			if !ok {
				t.app.tellOnce("did", "homing: the app said something in "+replay.DidHeader+" that means nothing; it can say wrote, or refused", "said", word)
			}
			t.said |= m
		}
	}
}

// witness marks the trail with what has happened so far: what the app says, and what
// was seen of it. Only an error can be the consequence of a refusal that was seen.
func (t *trip) witness(status int) {
	if t.trail == nil {
		return
	}
	m := t.said
	if w := t.app.cfg.Witness; w != nil {
		seen := w.Since(t.begun)
		if status < http.StatusInternalServerError {
			seen &^= failures
		}
		m |= seen
	}
	if m&(trail.Refused|trail.Conflict) != 0 && t.read.Load() > t.app.cfg.BodyLimit {
		m &^= trail.Refused | trail.Conflict
		route := observe.RouteOf(t.in.Method, t.in.URL.Path)
		t.app.tellOnce("large "+route, "homing: a request turned out to write only after its body had been read, which was too large to be sent home again, "+
			"so its client got the app's answer; mark the route as writing", "route", route, "by", "--write-route")
	}
	t.trail.Leave(m)
}

// goesHome reports whether the answer will probably be dropped, and the rest of the
// request's body be wanted elsewhere.
func (t *trip) goesHome() bool {
	return t.trail.Has(trail.Refused|trail.Conflict) && !t.trail.Has(trail.Wrote|trail.Lost)
}
