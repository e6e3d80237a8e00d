package fleet_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// shape is what a picture shows of each machine.
func shape(machines []fleet.Machine) string {
	var all []string
	for _, m := range machines {
		all = append(all, fmt.Sprint(m.App, "/", m.ID, "=", m.Healthy))
	}
	return strings.Join(all, " ")
}

// IDs are unique only within an app.
func TestMachineIsFoundByItsAppAndID(t *testing.T) {
	s := fleet.New(nil,
		fleet.Machine{App: "shop", ID: "a", Region: "ord"}, fleet.Machine{App: "blog", ID: "b", Region: "gru"},
		fleet.Machine{App: "shop", ID: "b", Region: "ams"}, fleet.Machine{App: "shop", ID: "c", Region: "ord"},
	).Snapshot()
	for _, want := range s.Machines() {
		got, ok := s.Machine(want.App, want.ID)
		if !ok || got.App != want.App || got.ID != want.ID || got.Region != want.Region {
			t.Errorf("Machine(%s, %s) = %+v, %v", want.App, want.ID, got, ok)
		}
	}
	for app, id := range map[machine.App]machine.ID{"blog": "a", "shop": "", "gone": "b"} {
		if got, ok := s.Machine(app, id); got.ID != "" || ok {
			t.Errorf("Machine(%s, %s) = %+v, %v; want none", app, id, got, ok)
		}
	}
}

func TestSitesAreAnAppsMachinesByRegion(t *testing.T) {
	f := fleet.New(nil, fleet.Machine{App: "web", ID: "a", Region: "ord"}, fleet.Machine{App: "web", ID: "b", Region: "gru"})
	f.Update(fleet.Machine{App: "web", ID: "c", Region: "ord"})
	f.Update(fleet.Machine{App: "blog", ID: "d", Region: "ord"})
	f.Update(fleet.Machine{App: "web", ID: "b", Region: "ams"}) // it moved
	got := map[region.Code]string{}
	for _, site := range f.Snapshot().Sites("web") {
		got[site.Region] += shape(site.Machines)
	}
	want := map[region.Code]string{"ord": "web/a=false web/c=false", "ams": "web/b=false"}
	if !maps.Equal(got, want) {
		t.Errorf("sites %v, want %v", got, want)
	}
	if sites := f.Snapshot().Sites("shop"); len(sites) > 0 {
		t.Errorf("an app that nobody runs is at %v", sites)
	}
}

func TestASnapshotNeverChanges(t *testing.T) {
	given := []fleet.Machine{{ID: "a", Healthy: true}, {ID: "b", Ports: []uint16{80}}}
	f := fleet.New(nil, given...)
	before := f.Snapshot()
	given[0].Healthy = false
	f.Update(fleet.Machine{ID: "b", Healthy: true})
	added := fleet.Machine{ID: "c", Ports: []uint16{80}}
	f.Update(added)
	added.Ports[0] = 81
	if got, want := shape(before.Machines()), "/a=true /b=false"; got != want {
		t.Errorf("the old snapshot became %s", got)
	}
	if got, want := shape(f.Snapshot().Machines()), "/a=true /b=true /c=false"; got != want {
		t.Errorf("the new snapshot is %s, want %s", got, want)
	}
	if c, _ := f.Snapshot().Machine("", "c"); !c.Serves(80) {
		t.Error("the caller's ports are the fleet's")
	}
}

func TestUpdateLeavesAnotherAppsMachineAlone(t *testing.T) {
	f := fleet.New(nil, fleet.Machine{ID: "web-1", App: "shop"})
	f.Update(fleet.Machine{ID: "web-1", App: "blog"})
	f.Update(fleet.Machine{ID: "web-1", App: "blog", Healthy: true})
	if got, want := shape(f.Snapshot().Machines()), "shop/web-1=false blog/web-1=true"; got != want {
		t.Errorf("the fleet is %s, want %s", got, want)
	}
}

func TestASnapshotTellsWhenItIsOutdated(t *testing.T) {
	outdated := func(s *fleet.Snapshot) bool {
		select {
		case <-s.Changed():
			return true
		default:
			return false
		}
	}
	m := fleet.Machine{ID: "a", App: "web", Region: "ord", Addr: "a:80", Group: "app", Ports: []uint16{80}, Limits: fleet.Limits{Soft: 5}}
	f := fleet.New(nil, m)
	for what, change := range map[string]func(*fleet.Machine){
		"region": func(m *fleet.Machine) { m.Region = "gru" }, "address": func(m *fleet.Machine) { m.Addr = "b:80" },
		"group": func(m *fleet.Machine) { m.Group = "worker" }, "ports": func(m *fleet.Machine) { m.Ports = []uint16{443} },
		"health": func(m *fleet.Machine) { m.Healthy = true }, "start": func(m *fleet.Machine) { m.Starting = true },
		"limits": func(m *fleet.Machine) { m.Limits.Hard = 9 }, "ID": func(m *fleet.Machine) { m.ID = "b" },
		"app": func(m *fleet.Machine) { m.App = "blog" },
	} {
		f.Update(m)
		before := f.Snapshot()
		f.Update(m)
		if outdated(before) || f.Snapshot() != before {
			t.Errorf("%s: the fleet changed when nothing was new", what)
		}
		other := m
		change(&other)
		if f.Update(other); !outdated(before) || outdated(f.Snapshot()) {
			t.Errorf("%s: a change was not told of", what)
		}
	}
	before := f.Snapshot()
	if err := f.SetApps(); err != nil || !outdated(before) {
		t.Errorf("new apps: %v, told of: %v", err, outdated(before))
	}
}

func TestWhatAMachineServes(t *testing.T) {
	m := fleet.Machine{Ports: []uint16{80, 443}}
	if !m.Serves(443) || !m.Serves(0) || m.Serves(8080) {
		t.Error("with ports it serves those, and any")
	}
	if m.Ports = nil; !m.Serves(8080) || !m.Serves(0) {
		t.Error("without ports it serves all")
	}
}

func TestAStartingMachineIsNotReady(t *testing.T) {
	for _, m := range []fleet.Machine{{}, {Starting: true}, {Starting: true, Healthy: true}} {
		if m.Ready() {
			t.Errorf("%+v is ready", m)
		}
	}
	if m := (fleet.Machine{Healthy: true}); !m.Ready() {
		t.Error("a healthy one is not ready")
	}
}

func TestRoundTrip(t *testing.T) {
	far := func(a, b region.Code) time.Duration {
		if a == b {
			t.Errorf("the distance within %s was asked for", a)
		}
		return 120 * time.Millisecond
	}
	f := fleet.New(far, fleet.Machine{ID: "a"})
	for range 2 {
		s := f.Snapshot()
		if got := s.RoundTrip("ord", "gru"); got != 120*time.Millisecond {
			t.Errorf("ord to gru is %v, want 120ms", got)
		}
		if got := s.RoundTrip("ord", "ord"); got != 0 {
			t.Errorf("ord to ord is %v, want 0", got)
		}
		f.Update(fleet.Machine{ID: "a", Healthy: true}) // keeps the distances
	}
	if got := fleet.New(nil).Snapshot().RoundTrip("ord", "gru"); got != 0 {
		t.Errorf("without distances ord to gru is %v, want 0", got)
	}
}

func TestNoUpdateIsLost(t *testing.T) {
	f := fleet.New(nil)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 250 {
				f.Update(fleet.Machine{ID: machine.ID(fmt.Sprint(i, "-", j))})
				f.Snapshot().Machine("", "0")
			}
		})
	}
	all.Wait()
	if n := len(f.Snapshot().Machines()); n != 1000 {
		t.Errorf("%d machines, want 1000", n)
	}
}

func ExampleFleet() {
	f := fleet.New(nil, fleet.Machine{ID: "web-1", App: "guestbook", Region: "gru", Healthy: true})
	before := f.Snapshot() // one per request, so that all its choices are made from one picture
	f.Update(fleet.Machine{ID: "web-1", App: "guestbook", Region: "gru", Healthy: false})

	then, _ := before.Machine("guestbook", "web-1")
	now, _ := f.Snapshot().Machine("guestbook", "web-1")
	fmt.Println(then.Healthy, now.Healthy)
	// Output: true false
}
