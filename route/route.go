// Package route chooses the machine that gets a request: a pure function of the
// request's wishes and a picture of the fleet. It opens no connection and keeps
// no state.
//
// Candidates are the app's healthy machines that match the instruction and were
// not tried yet. Among them the first region named wins, then the nearest, then
// chance.
package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/replay"
)

// Wish is what is known about a request when a machine is chosen for it.
type Wish struct {
	From   region.Code        // the edge's region: near is measured from here
	App    machine.App        // the app the request was for
	Replay replay.Instruction // zero value: none, the nearest machine
	Origin machine.ID         // the machine that asked for the replay
	Tried  []machine.ID       // those that could not be reached on this hop
}

// Why says why no machine could be chosen.
type Why uint8

const (
	// NoMachine: the app has machines, and none is healthy.
	NoMachine Why = iota + 1
	// NoCandidate: none is left where the request has to go.
	NoCandidate
	// NoApp: nobody runs an app of that name.
	NoApp
)

// Error is returned when there is no machine to choose.
type Error struct {
	Why  Why
	text string
}

// Error returns one line that may be shown to the client: it names regions,
// machines and apps, never a replay's state.
func (e *Error) Error() string { return e.text }

// Choose returns the machine that should get the request now. The error is an
// [*Error].
func Choose(s *fleet.Snapshot, w Wish) (fleet.Machine, error) {
	app := w.App
	if w.Replay.App != "" {
		app = w.Replay.App
	}
	if !slices.ContainsFunc(s.Machines(), func(m fleet.Machine) bool { return m.App == app }) {
		return fleet.Machine{}, &Error{NoApp, fmt.Sprintf("no app is called %q", app)}
	}
	able := func(m fleet.Machine) bool {
		return m.App == app && m.Healthy && !slices.Contains(w.Tried, m.ID) && !(w.Replay.Elsewhere && m.ID == w.Origin)
	}
	if m, ok := preferred(s, w.Replay, able); ok {
		return m, nil
	}
	best, found := nearest(s, w, able)
	if !found {
		return fleet.Machine{}, none(s, w, app)
	}
	return best, nil
}

// preferred returns the machine that the instruction names, if it can be had.
func preferred(s *fleet.Snapshot, in replay.Instruction, able func(fleet.Machine) bool) (fleet.Machine, bool) {
	if in.Instance != "" || in.PreferInstance == "" {
		return fleet.Machine{}, false
	}
	// Not s.Machine: IDs are unique only within an app, which able checks.
	i := slices.IndexFunc(s.Machines(), func(m fleet.Machine) bool { return m.ID == in.PreferInstance && able(m) })
	if i < 0 {
		return fleet.Machine{}, false
	}
	return s.Machines()[i], true
}

// nearest returns the best of the candidates: lowest place in the list of
// regions, then shortest way, then chance.
func nearest(s *fleet.Snapshot, w Wish, able func(fleet.Machine) bool) (best fleet.Machine, found bool) {
	var bestRank, ties int
	var bestWay time.Duration
	for _, m := range s.Machines() {
		rank, allowed := rank(w.Replay, m)
		if !allowed || !able(m) {
			continue
		}
		way := s.RoundTrip(w.From, m.Region)
		if m.Region == w.From {
			way = -1 // nearer than a neighbour at no distance
		}
		switch {
		case !found || rank < bestRank || rank == bestRank && way < bestWay:
			best, bestRank, bestWay, found, ties = m, rank, way, true, 1
		case rank == bestRank && way == bestWay:
			// The n-th of equals replaces the others with chance 1/n.
			if ties++; rand.IntN(ties) == 0 {
				best = m
			}
		}
	}
	return best, found
}

// rank returns the machine's place in the instruction's order of preference, and
// whether the instruction allows it at all.
func rank(in replay.Instruction, m fleet.Machine) (int, bool) {
	if in.Instance != "" && m.ID != in.Instance {
		return 0, false
	}
	if len(in.Regions) == 0 {
		return 0, true
	}
	i := slices.IndexFunc(in.Regions, func(c region.Code) bool { return c.Includes(m.Region) })
	return i, i >= 0
}

// none says why there is no candidate.
func none(s *fleet.Snapshot, w Wish, app machine.App) error {
	in := w.Replay
	if in.Instance == "" && len(in.Regions) == 0 && len(w.Tried) == 0 && !in.Elsewhere {
		return &Error{NoMachine, fmt.Sprintf("no machine of %s is healthy", app)}
	}
	exists := slices.ContainsFunc(s.Machines(), func(m fleet.Machine) bool {
		_, allowed := rank(in, m)
		return m.App == app && allowed
	})
	var where []string
	if in.Instance != "" {
		where = append(where, "called "+string(in.Instance))
	}
	if len(in.Regions) > 0 {
		names := make([]string, len(in.Regions))
		for i, c := range in.Regions {
			names[i] = string(c)
		}
		where = append(where, "in "+strings.Join(names, " or "))
	}
	place := strings.Join(where, " ")
	switch {
	case !exists:
		return &Error{NoCandidate, fmt.Sprintf("%s has no machine %s", app, place)}
	case place == "":
		return &Error{NoCandidate, fmt.Sprintf("no other machine of %s can take the request", app)}
	default:
		return &Error{NoCandidate, fmt.Sprintf("no machine of %s %s can take the request", app, place)}
	}
}
