package homingtest

import (
	"cmp"
	"fmt"
	"strings"

	"homing/decision"
	"homing/journey"
	"homing/region"
)

// Journey is what happened to one request: which machines it went to, and why. Printed,
// it is a line for a test's failure.
type Journey struct {
	// Record is all that the edge noted. Its Edge is where the request came in, its
	// Hops are the machines that were asked.
	journey.Record
	// Region is that of the machine that answered; empty if none did.
	Region region.Code
	// Reason is why the first machine that decided served the request, or sent it home.
	Reason decision.Reason
}

func newJourney(r *journey.Record) Journey {
	j := Journey{Record: *r}
	if last := r.Last(); last.Status != 0 && !last.Replayed {
		j.Region = last.Region
	}
	for _, h := range r.Hops {
		j.Reason = cmp.Or(j.Reason, h.Decision.Reason)
	}
	return j
}

// String tells the journey in a line.
func (j Journey) String() string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "%s %s at %s: ", j.Method, j.Path, j.Edge)
	for _, h := range j.Hops {
		b.WriteString(hopText(h) + ", ")
	}
	fmt.Fprintf(b, "status %d", j.Status)
	if j.Problem != "" {
		fmt.Fprintf(b, " (%s: %s)", j.Code, j.Problem)
	}
	return b.String()
}

func hopText(h journey.Hop) string {
	did, why := "answered", h.Decision.Reason.Words()
	switch {
	case h.Status == 0:
		did, why = "did not answer", h.Problem
	case h.Replayed:
		did = "sent it on"
	}
	if why == "" {
		return string(h.Region) + " " + did
	}
	return fmt.Sprintf("%s %s (%s)", h.Region, did, why)
}

// Last returns the journey of the answer that a client of this world read last; of
// several at the same time, any. Without one it fails the test.
func (w *World) Last() Journey {
	w.t.Helper()
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	return w.known(w.run.last)
}

// known returns a journey, or fails the test if there has been none.
func (w *World) known(j *Journey) Journey {
	w.t.Helper()
	if j == nil {
		w.errorf("there is no last journey: no client has asked for anything")
		return Journey{}
	}
	return *j
}

// note makes a journey the last.
func (r *running) note(j *Journey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = j
}
