package route_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/replay"
	"homing/route"
)

// loaded is a machine with so many slots taken.
type loaded struct {
	fleet.Machine
	load int
}

func with(load int, l fleet.Limits, m fleet.Machine) loaded {
	m.Limits = l
	return loaded{m, load}
}

func fleetOf(d fleet.Distances, all ...loaded) *fleet.Fleet {
	var machines []fleet.Machine
	for _, l := range all {
		machines = append(machines, l.Machine)
	}
	f := fleet.New(d, machines...)
	for _, l := range all {
		m, _ := f.Snapshot().Machine(l.App, l.ID)
		for range l.load {
			if _, ok := m.Acquire(); !ok {
				panic("more load than the hard limit allows")
			}
		}
	}
	return f
}

func TestLoadDecidesAmongTheNear(t *testing.T) {
	type limits = fleet.Limits
	ways := func(_, b region.Code) time.Duration {
		return map[region.Code]time.Duration{"ams": 10 * time.Millisecond, "fra": 11 * time.Millisecond, "cdg": 11*time.Millisecond + 1, "iad": 0}[b]
	}
	in := func(id machine.ID, at region.Code) fleet.Machine { return m(id, "web", at) }
	for _, tt := range []struct {
		name     string
		machines []loaded
		want     machine.ID
	}{
		{"the one with less", []loaded{with(3, limits{}, in("a", "ams")), with(2, limits{}, in("b", "ams"))}, "b"},
		{"the one with less for its limit", []loaded{with(9, limits{Soft: 10}, in("a", "ams")), with(10, limits{Soft: 40}, in("b", "ams"))}, "b"},
		{"the limit is 20 where none is set", []loaded{with(4, limits{}, in("a", "ams")), with(3, limits{Soft: 10}, in("b", "ams"))}, "a"},
		{"a hard limit is a soft limit, too", []loaded{with(1, limits{Hard: 2}, in("a", "ams")), with(9, limits{}, in("b", "ams"))}, "b"},
		{"one under its soft limit first", []loaded{with(5, limits{Soft: 5}, in("a", "ams")), with(39, limits{Soft: 40}, in("b", "ams"))}, "b"},
		{"the least overloaded", []loaded{with(6, limits{Soft: 3}, in("a", "ams")), with(7, limits{Soft: 4}, in("b", "ams"))}, "b"},
		{"not one at its hard limit", []loaded{with(1, limits{Hard: 1}, in("a", "ams")), with(90, limits{Soft: 1}, in("b", "ams"))}, "b"},

		{"a near one beyond its soft limit, not a far one that idles", []loaded{with(50, limits{Soft: 5, Hard: 60}, in("a", "ams")), with(0, limits{}, in("b", "cdg"))}, "a"},
		{"a far one when the near ones are full", []loaded{with(9, limits{Hard: 9}, in("a", "ams")), with(0, limits{}, in("b", "cdg"))}, "b"},
		{"within a millisecond load decides", []loaded{with(2, limits{}, in("a", "ams")), with(1, limits{}, in("b", "fra"))}, "b"},
		{"a millisecond from the nearest, not from each other", []loaded{
			with(2, limits{}, in("a", "ams")), with(1, limits{}, in("b", "fra")), with(0, limits{}, in("c", "cdg")),
		}, "b"},
		{"within a millisecond of those that can", []loaded{
			with(1, limits{Hard: 1}, in("a", "ams")), with(1, limits{}, in("b", "fra")), with(0, limits{}, in("c", "cdg")),
		}, "c"},
		{"the edge's own region, not a neighbour at no distance", []loaded{with(0, limits{}, in("a", "iad")), with(30, limits{}, in("b", "ord"))}, "b"},
		{"a neighbour at no distance when the own is full", []loaded{with(1, limits{Hard: 1}, in("b", "ord")), with(9, limits{}, in("a", "iad"))}, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := fleetOf(ways, tt.machines...).Snapshot()
			for range 20 { // it is no chance
				if got, err := route.Choose(s, route.Wish{From: "ord", App: "web"}); got.ID != tt.want {
					t.Fatalf("chose %s, %v; want %s", got.ID, err, tt.want)
				}
			}
		})
	}
}

func TestAPreferredMachineThatIsFullIsPassedOver(t *testing.T) {
	s := fleetOf(nil, with(1, fleet.Limits{Hard: 1}, m("a", "web", "ord")), with(5, fleet.Limits{}, m("b", "web", "ams"))).Snapshot()
	for name, wish := range map[string]route.Wish{
		"by the client":  {App: "web", From: "ord", Asked: replay.Placement{PreferInstance: "a"}},
		"by the machine": {App: "web", From: "ord", Replay: replay.Instruction{PreferInstance: "a"}},
	} {
		if got, err := route.Choose(s, wish); got.ID != "b" {
			t.Errorf("%s: chose %s, %v; want b", name, got.ID, err)
		}
	}
}

// Taken one by one, slots fill the machines evenly for their limits, and then there
// is an end.
func TestTakeFillsMachinesEvenly(t *testing.T) {
	f := fleetOf(nil, with(0, fleet.Limits{Soft: 10, Hard: 20}, m("a", "web", "ord")), with(0, fleet.Limits{Soft: 20, Hard: 40}, m("b", "web", "ord")))
	s := f.Snapshot()
	got := map[machine.ID]int{}
	for n := 1; n <= 60; n++ {
		slot, err := route.Take(s, &route.Wish{From: "ord", App: "web"})
		if err != nil {
			t.Fatal(err)
		}
		got[slot.Machine.ID]++
		if a, b := got["a"], got["b"]; n%3 == 0 && b != 2*a {
			t.Fatalf("after %d: %d and %d", n, a, b)
		}
	}
	var no *route.Error
	if _, err := route.Take(s, &route.Wish{From: "ord", App: "web"}); !errors.As(err, &no) || no.Why != route.AllBusy || len(no.Busy()) != 2 {
		t.Errorf("then %v", err)
	}
}

func TestAWishWaitsInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fleetOf(nil, with(0, fleet.Limits{Hard: 1}, m("a", "web", "ord")))
		take := func(s *fleet.Snapshot) (fleet.Slot, error) {
			return route.Take(s, &route.Wish{From: "ord", App: "web"})
		}
		slot, err := take(f.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(3*time.Second, func() { slot.Release() })
		begun := time.Now()
		if _, err = (fleet.Queue{}).Wait(t.Context(), f, take); err != nil || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %v, want a slot after 3 s", err, time.Since(begun))
		}
		_, err = fleet.Queue{}.Wait(t.Context(), f, take)
		var no *route.Error
		if !errors.As(err, &no) || no.Why != route.AllBusy || !errors.Is(err, fleet.ErrWaited) {
			t.Errorf("then %v, want AllBusy", err)
		}
	})
}

func TestFallbackGoesHome(t *testing.T) {
	wish := route.Wish{
		From: "ams", Port: 443, App: "api", Origin: "web-1", OriginApp: "web", Tried: []machine.ID{"x"},
		Replay: replay.Instruction{App: "api", Regions: []region.Code{"syd"}, Fallback: replay.ForceSelf},
	}
	alive := fleet.New(estimated, m("web-1", "web", "gru"), m("web-2", "web", "ams"), m("api-1", "api", "ams"))
	gone := fleet.New(estimated, m("web-2", "web", "ams"), m("api-1", "api", "ams"))
	for _, tt := range []struct {
		how      replay.Fallback
		fleet    *fleet.Fleet
		want     machine.ID
		whyOrNot route.Why
	}{
		{replay.ForceSelf, alive, "web-1", 0}, {replay.PreferSelf, alive, "web-1", 0},
		{replay.ForceSelf, gone, "", route.NoCandidate}, {replay.PreferSelf, gone, "web-2", 0},
	} {
		wish.Replay.Fallback = tt.how
		home := wish.Fallback()
		got, err := route.Choose(tt.fleet.Snapshot(), home)
		var no *route.Error
		if errors.As(err, &no); got.ID != tt.want || no != nil && no.Why != tt.whyOrNot {
			t.Errorf("%v: %s, %v; want %s", tt.how, got.ID, err, tt.want)
		}
		if home.Port != 443 || home.Origin != "web-1" || home.Replay.Fallback != replay.NoFallback {
			t.Errorf("%v: the wish is %+v", tt.how, home)
		}
	}
	wish.OriginApp, wish.App, wish.Replay.App = "", "web", ""
	if home := wish.Fallback(); home.App != "web" {
		t.Errorf("within an app it goes to %q", home.App)
	}
}

func ExampleTake() {
	f := fleet.New(nil, fleet.Machine{ID: "web-1", App: "web", Healthy: true, Limits: fleet.Limits{Hard: 1}})
	take := func(s *fleet.Snapshot) (fleet.Slot, error) { return route.Take(s, &route.Wish{App: "web"}) }
	queue := fleet.Queue{Patience: time.Millisecond}

	first, err := queue.Wait(context.Background(), f, take)
	fmt.Println(first.Machine.ID, err)
	_, err = queue.Wait(context.Background(), f, take)
	fmt.Println(err)
	first.Release()
	// Output:
	// web-1 <nil>
	// waited too long: every machine of web is at its limit
}

func BenchmarkChoose(b *testing.B) {
	codes := []region.Code{"ord", "iad", "ams", "fra", "gru", "syd", "nrt", "sin", "jnb", "lhr"}
	var machines []fleet.Machine
	for i := range 100 {
		machines = append(machines, m(machine.ID(fmt.Sprint("web-", i)), "web", codes[i%len(codes)]))
	}
	table := map[[2]region.Code]time.Duration{}
	for _, a := range codes {
		for _, to := range codes {
			table[[2]region.Code{a, to}] = estimated(a, to)
		}
	}
	s := fleet.New(func(a, b region.Code) time.Duration { return table[[2]region.Code{a, b}] }, machines...).Snapshot()
	for name, wish := range map[string]route.Wish{
		"nearest":  {From: "cdg", App: "web"},
		"region":   {From: "gru", App: "web", Replay: replay.Instruction{Regions: []region.Code{"ord"}}},
		"instance": {From: "gru", App: "web", Replay: replay.Instruction{Instance: "web-77"}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := route.Choose(s, wish); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
