package route_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/replay"
	"homing/route"
)

// The rules of "Choosing a machine", one after the other over the whole list, slow
// and in no clever order: what may be chosen, or why nothing.
func oracle(s *fleet.Snapshot, w route.Wish) (may []machine.ID, why route.Why) {
	in := w.Replay
	app := w.App
	if in.App != "" {
		app = in.App
	}
	if w.Origin == "" && in.App == "" && in.Instance == "" && in.PreferInstance == "" && in.Regions == nil {
		return oracleAsked(s, w, app)
	}
	return oracleRules(s, w, app, in.Regions, in.Regions != nil, false, in.Instance, false, in.PreferInstance, in.Elsewhere)
}

func oracleAsked(s *fleet.Snapshot, w route.Wish, app machine.App) ([]machine.ID, route.Why) {
	c := w.Asked
	if c.ForceInstance != "" {
		return oracleRules(s, w, app, nil, false, false, c.ForceInstance, true, "", false)
	}
	if c.ForceRegions != nil {
		return oracleRules(s, w, app, c.ForceRegions, true, true, "", false, c.PreferInstance, false)
	}
	return oracleRules(s, w, app, c.PreferRegions, false, false, "", false, c.PreferInstance, false)
}

func oracleRules(s *fleet.Snapshot, w route.Wish, app machine.App, regions []region.Code, forced, preferredToo bool,
	instance machine.ID, ill bool, prefer machine.ID, elsewhere bool) ([]machine.ID, route.Why) {
	keep := func(ms []fleet.Machine, ok func(fleet.Machine) bool) (kept []fleet.Machine) {
		for _, m := range ms {
			if ok(m) {
				kept = append(kept, m)
			}
		}
		return kept
	}
	place := func(m fleet.Machine) int {
		for i, c := range regions {
			if c.Includes(m.Region) {
				return i
			}
		}
		return len(regions)
	}
	elsewhere = elsewhere && w.Origin != "" && (w.OriginApp == "" || w.OriginApp == app)
	all := keep(s.Machines(), func(m fleet.Machine) bool { return m.App == app })
	if len(all) == 0 {
		return nil, route.NoApp
	}
	fit := keep(all, func(m fleet.Machine) bool {
		return (w.Port == 0 || len(m.Ports) == 0 || slices.Contains(m.Ports, w.Port)) &&
			(instance == "" || m.ID == instance) && !(elsewhere && m.ID == w.Origin)
	})
	open := keep(fit, func(m fleet.Machine) bool {
		return (ill || m.Healthy && !m.Starting) && !slices.Contains(w.Tried, m.ID)
	})
	able := keep(open, func(m fleet.Machine) bool { return m.Limits.Hard == 0 || m.Load() < m.Limits.Hard })
	there := func(m fleet.Machine) bool { return !forced || place(m) < len(regions) }

	if instance == "" && prefer != "" {
		best := keep(able, func(m fleet.Machine) bool { return m.ID == prefer && (!preferredToo || there(m)) })
		if len(best) > 0 {
			return []machine.ID{prefer}, 0
		}
	}
	fit, open, able = keep(fit, there), keep(open, there), keep(able, there)
	switch {
	case len(able) > 0:
	case len(fit) == 0 && !forced && instance == "" && !elsewhere:
		return nil, route.NoMachine
	case len(fit) == 0:
		return nil, route.NoCandidate
	case len(open) > 0:
		return nil, route.AllBusy
	case forced || instance != "" || w.Replay.App != "":
		return nil, route.NotReady
	case len(w.Tried) > 0 || elsewhere:
		return nil, route.NoCandidate
	default:
		return nil, route.NoMachine
	}
	first := len(regions)
	for _, m := range able {
		first = min(first, place(m))
	}
	able = keep(able, func(m fleet.Machine) bool { return place(m) == first })
	if own := keep(able, func(m fleet.Machine) bool { return m.Region == w.From }); own != nil {
		able = own
	}
	able = keep(able, func(m fleet.Machine) bool {
		return !slices.ContainsFunc(able, func(o fleet.Machine) bool {
			return s.RoundTrip(w.From, m.Region)-s.RoundTrip(w.From, o.Region) > time.Millisecond
		})
	})
	soft := func(m fleet.Machine) float64 {
		limit := 20
		if m.Limits.Soft > 0 {
			limit = m.Limits.Soft
		}
		if m.Limits.Hard > 0 {
			limit = min(limit, m.Limits.Hard)
		}
		return float64(limit)
	}
	if under := keep(able, func(m fleet.Machine) bool { return float64(m.Load()) < soft(m) }); under != nil {
		able = under
	}
	var may []machine.ID
	for _, m := range able {
		better := func(o fleet.Machine) bool { return float64(o.Load())/soft(o)+1e-9 < float64(m.Load())/soft(m) }
		if !slices.ContainsFunc(able, better) {
			may = append(may, m.ID)
		}
	}
	return may, 0
}

var (
	someCodes = []region.Code{"ord", "iad", "ams", "fra", "gru"}
	somePorts = []uint16{80, 443}
)

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func maybe[T any](r *rand.Rand, value T) (zero T) {
	if r.IntN(4) == 0 {
		return value
	}
	return zero
}

func randomFleet(r *rand.Rand) *fleet.Snapshot {
	ways := map[region.Code]time.Duration{}
	for _, c := range someCodes {
		ways[c] = time.Duration(r.IntN(8)) * 500 * time.Microsecond
	}
	var machines []loaded
	for i := range r.IntN(12) {
		m := fleet.Machine{
			ID: machine.ID(fmt.Sprint(i)), App: pick(r, []machine.App{"web", "web", "web", "api"}), Region: pick(r, someCodes),
			Healthy: r.IntN(4) > 0, Starting: r.IntN(6) == 0,
			Limits: fleet.Limits{Soft: r.IntN(4), Hard: r.IntN(4)},
		}
		if r.IntN(4) == 0 {
			m.Ports = []uint16{pick(r, somePorts)}
		}
		load := r.IntN(6)
		if m.Limits.Hard > 0 {
			load = min(load, m.Limits.Hard)
		}
		machines = append(machines, loaded{m, load})
	}
	return fleetOf(func(a, b region.Code) time.Duration { return ways[b] }, machines...).Snapshot()
}

func randomWish(r *rand.Rand) route.Wish {
	ids := []machine.ID{"0", "1", "2", "3", "9", "gone"}
	places := func() []region.Code {
		return maybe(r, [][]region.Code{{"ord"}, {"eu", "gru"}, {"us", "any"}, {"syd", "iad"}, {"syd"}}[r.IntN(5)])
	}
	w := route.Wish{From: pick(r, someCodes), App: "web", Port: maybe(r, pick(r, somePorts))}
	w.Asked = replay.Placement{
		PreferRegions: places(), ForceRegions: places(), PreferInstance: maybe(r, pick(r, ids)), ForceInstance: maybe(r, pick(r, ids)),
	}
	if r.IntN(2) == 0 {
		w.Origin, w.OriginApp = pick(r, ids), maybe(r, pick(r, []machine.App{"web", "api"}))
		w.Replay = replay.Instruction{
			App: maybe(r, pick(r, []machine.App{"api", "gone"})), Regions: places(), Instance: maybe(r, pick(r, ids)),
			PreferInstance: maybe(r, pick(r, ids)), Elsewhere: r.IntN(4) == 0,
		}
	}
	for range r.IntN(4) {
		w.Tried = append(w.Tried, pick(r, ids))
	}
	return w
}

func TestChooseFollowsTheRules(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	seen := map[route.Why]int{}
	for range 30_000 {
		s, w := randomFleet(r), randomWish(r)
		may, why := oracle(s, w)
		seen[why]++
		got, err := route.Choose(s, w)
		var no *route.Error
		if errors.As(err, &no); (why == 0) != (no == nil) || why != 0 && no.Why != why || why == 0 && !slices.Contains(may, got.ID) {
			t.Fatalf("seed %d: chose %q, %+v (%v); want one of %q, or why %d\nwish %+v\nfleet %+v", seed, got.ID, no, err, may, why, w, s.Machines())
		}
	}
	for why := route.Why(0); why <= route.NotReady; why++ {
		if seen[why] < 100 {
			t.Errorf("why %d came up %d times: the test proves little", why, seen[why])
		}
	}
}
