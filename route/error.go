package route

import (
	"fmt"
	"strings"

	"homing/fleet"
)

// Why says why no machine could be chosen.
type Why uint8

const (
	// NoMachine: the app has no machine that is healthy (PR01).
	NoMachine Why = iota + 1
	// NoCandidate: none is left where the request has to go, or none ever was
	// there (PR03). Waiting does not help.
	NoCandidate
	// NoApp: nobody runs an app of that name (PA04).
	NoApp
	// AllBusy: every candidate is at its hard limit. The request may wait in a
	// [fleet.Queue], and has waited too long (PL02) when that gives up.
	AllBusy
	// NotReady: the machine, region or app that a replay names exists, but is
	// starting, unhealthy, or was tried on this hop. It may be tried for a while
	// (PR03 when that is over).
	NotReady
)

// Error is returned when there is no machine to choose.
type Error struct {
	Why  Why
	text string
	busy []fleet.Machine
}

// Error returns one line of bounded length that may be shown to the client: it
// names regions, machines and apps, never a replay's state.
func (e *Error) Error() string { return e.text }

// Busy returns the machines that may be waited for; none unless Why is AllBusy.
func (e *Error) Busy() []fleet.Machine { return e.busy }

// none says why there is no candidate.
func (a *aim) none(s *fleet.Snapshot) *Error {
	app := clip(string(a.app))
	if _, known := s.App(a.app); !known {
		return &Error{Why: NoApp, text: fmt.Sprintf("no app is called %q", app)}
	}
	fits, busy := a.survey(s)
	place := a.place()
	switch {
	case !fits && (a.placed() || a.not != ""):
		if place == "" {
			return &Error{Why: NoCandidate, text: fmt.Sprintf("%s has no other machine%s", app, a.door())}
		}
		return &Error{Why: NoCandidate, text: fmt.Sprintf("%s has no machine%s%s", app, place, a.door())}
	case !fits:
		return &Error{Why: NoMachine, text: fmt.Sprintf("%s has no machine%s", app, a.door())}
	case len(busy) > 0:
		return &Error{Why: AllBusy, text: fmt.Sprintf("every machine of %s%s is at its limit", app, place), busy: busy}
	case a.named():
		return &Error{Why: NotReady, text: fmt.Sprintf("no machine of %s%s can take the request", app, place)}
	case len(a.tried) > 0 || a.not != "":
		return &Error{Why: NoCandidate, text: fmt.Sprintf("no other machine of %s can take the request", app)}
	default:
		return &Error{Why: NoMachine, text: fmt.Sprintf("no machine of %s is healthy", app)}
	}
}

// survey reports whether any machine is what is asked for, and returns those that
// lack nothing but a free slot. One that came free since counts: the queue will
// find it so.
func (a *aim) survey(s *fleet.Snapshot) (fits bool, busy []fleet.Machine) {
	for _, site := range s.Sites(a.app) {
		if _, allowed := a.rank(site.Region); !allowed {
			continue
		}
		for i := range site.Machines {
			m := &site.Machines[i]
			fits = fits || a.fits(m)
			if a.open(m) {
				busy = append(busy, *m)
			}
		}
	}
	return fits, busy
}

// maxNamed is how many regions of a list an error names: lists come from strangers.
const maxNamed = 4

// place says where the request has to go, with a blank before; empty: anywhere.
func (a *aim) place() string {
	var b strings.Builder
	if a.instance != "" {
		b.WriteString(" called " + clip(string(a.instance)))
	}
	if !a.only {
		return b.String()
	}
	for i, c := range a.regions[:min(len(a.regions), maxNamed)] {
		b.WriteString([]string{" in ", " or "}[min(i, 1)] + clip(string(c)))
	}
	if more := len(a.regions) - maxNamed; more > 0 {
		fmt.Fprintf(&b, " or %d more", more)
	}
	return b.String()
}

// door says which port a machine has to serve, with a blank before.
func (a *aim) door() string {
	if a.port == 0 {
		return ""
	}
	return fmt.Sprintf(" that serves port %d", a.port)
}

// clip keeps what an error quotes short.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
