package fleet_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
)

func TestMachineIsFoundByItsID(t *testing.T) {
	a, b := fleet.Machine{ID: "a", Region: "ord"}, fleet.Machine{ID: "b", Region: "gru", Healthy: true}
	s := fleet.New(nil, a, b).Snapshot()
	if got, ok := s.Machine("b"); got != b || !ok {
		t.Errorf("Machine(b) = %+v, %v", got, ok)
	}
	if got, ok := s.Machine("c"); got != (fleet.Machine{}) || ok {
		t.Errorf("Machine(c) = %+v, %v; want none", got, ok)
	}
	if got, ok := fleet.New(nil).Snapshot().Machine(""); ok {
		t.Errorf("an empty fleet has %+v", got)
	}
}

func TestASnapshotNeverChanges(t *testing.T) {
	given := []fleet.Machine{{ID: "a", Healthy: true}, {ID: "b"}}
	f := fleet.New(nil, given...)
	before := f.Snapshot()
	given[0].Healthy = false
	f.Update(fleet.Machine{ID: "b", Healthy: true})
	f.Update(fleet.Machine{ID: "c"})
	if want := []fleet.Machine{{ID: "a", Healthy: true}, {ID: "b"}}; !slices.Equal(before.Machines(), want) {
		t.Errorf("the old snapshot became %+v", before.Machines())
	}
	if want := []fleet.Machine{{ID: "a", Healthy: true}, {ID: "b", Healthy: true}, {ID: "c"}}; !slices.Equal(f.Snapshot().Machines(), want) {
		t.Errorf("the new snapshot is %+v, want %+v", f.Snapshot().Machines(), want)
	}
}

// IDs are unique only within an app.
func TestUpdateLeavesAnotherAppsMachineAlone(t *testing.T) {
	f := fleet.New(nil, fleet.Machine{ID: "web-1", App: "shop"})
	f.Update(fleet.Machine{ID: "web-1", App: "blog"})
	f.Update(fleet.Machine{ID: "web-1", App: "blog", Healthy: true})
	want := []fleet.Machine{{ID: "web-1", App: "shop"}, {ID: "web-1", App: "blog", Healthy: true}}
	if got := f.Snapshot().Machines(); !slices.Equal(got, want) {
		t.Errorf("the fleet is %+v, want %+v", got, want)
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
				f.Snapshot().Machine("0")
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

	then, _ := before.Machine("web-1")
	now, _ := f.Snapshot().Machine("web-1")
	fmt.Println(then.Healthy, now.Healthy)
	// Output: true false
}
