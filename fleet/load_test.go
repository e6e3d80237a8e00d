package fleet_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homing/fleet"
)

// only returns the one machine of a fleet, as it is now.
func only(f *fleet.Fleet) *fleet.Machine { return &f.Snapshot().Machines()[0] }

func limited(hard int) *fleet.Fleet {
	return fleet.New(nil, fleet.Machine{ID: "m", App: "web", Healthy: true, Limits: fleet.Limits{Hard: hard}})
}

func take(t *testing.T, f *fleet.Fleet) fleet.Slot {
	t.Helper()
	slot, ok := only(f).Acquire()
	if !ok {
		t.Fatal("no slot is free")
	}
	return slot
}

func TestSlotsAreTakenUpToTheHardLimitAndGivenBack(t *testing.T) {
	f := limited(2)
	m := only(f)
	a, b := take(t, f), take(t, f)
	if _, ok := m.Acquire(); ok || m.Load() != 2 || !m.Full() {
		t.Errorf("a third slot: %v, load %d, full %v", ok, m.Load(), m.Full())
	}
	if a.Machine.ID != "m" {
		t.Errorf("the slot is of %+v", a.Machine)
	}
	a.Release()
	a.Release() // does nothing
	if m.Load() != 1 || m.Full() {
		t.Errorf("load %d, full %v after a release", m.Load(), m.Full())
	}
	b.Release()
	new(fleet.Slot).Release()
	if m.Load() != 0 {
		t.Errorf("load %d at the end", m.Load())
	}
}

func TestAMachineOfNoFleetHasNoLimit(t *testing.T) {
	m := fleet.Machine{ID: "m", Limits: fleet.Limits{Hard: 1}}
	for range 3 {
		slot, ok := m.Acquire()
		if !ok || m.Load() != 0 || m.Full() {
			t.Fatalf("acquired %v, load %d", ok, m.Load())
		}
		defer slot.Release()
	}
}

func TestTheLoadOutlivesSnapshotsAndBelongsToOneMachine(t *testing.T) {
	f := limited(2)
	old := only(f)
	slot := take(t, f)
	f.Update(fleet.Machine{ID: "m", App: "blog", Limits: fleet.Limits{Hard: 2}})
	f.Update(fleet.Machine{ID: "m", App: "web", Addr: "elsewhere", Limits: fleet.Limits{Hard: 1}})
	now, _ := f.Snapshot().Machine("web", "m")
	if now.Load() != 1 || !now.Full() || !old.Full() {
		t.Errorf("load %d, full %v, and %v by the old picture", now.Load(), now.Full(), old.Full())
	}
	if _, ok := old.Acquire(); ok {
		t.Error("the old picture's limit was used")
	}
	if other, _ := f.Snapshot().Machine("blog", "m"); other.Load() != 0 {
		t.Errorf("the other app's machine has load %d", other.Load())
	}
	slot.Release()
	if now.Load() != 0 || old.Load() != 0 {
		t.Errorf("load %d and %d at the end", now.Load(), old.Load())
	}
}

func TestALowerLimitLetsWhatRunsEnd(t *testing.T) {
	f := limited(0)
	slots := []fleet.Slot{take(t, f), take(t, f), take(t, f)}
	f.Update(fleet.Machine{ID: "m", App: "web", Healthy: true, Limits: fleet.Limits{Hard: 2}})
	for i, full := range []bool{true, true, false} {
		m := only(f)
		if m.Full() != full {
			t.Errorf("after %d releases full: %v", i, m.Full())
		}
		slots[i].Release()
	}
}

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		limits fleet.Limits
		soft   int
	}{
		{fleet.Limits{}, 20}, {fleet.Limits{Soft: 5}, 5}, {fleet.Limits{Soft: -1}, 20},
		{fleet.Limits{Hard: 3}, 3}, {fleet.Limits{Soft: 9, Hard: 3}, 3}, {fleet.Limits{Soft: 2, Hard: 3}, 2},
	} {
		f := fleet.New(nil, fleet.Machine{Limits: tt.limits})
		defer func(s fleet.Slot) { s.Release() }(take(t, f))
		m := only(f)
		if load, soft := m.Share(); load != 1 || soft != tt.soft {
			t.Errorf("%+v: %d of %d, want 1 of %d", tt.limits, load, soft, tt.soft)
		}
	}
}

// Whatever happens at the same time, a machine never has more under way than its
// hard limit, which is lowered only while nothing is.
func TestNeverAboveTheHardLimit(t *testing.T) {
	const hard = 7
	f := limited(hard)
	var running, most, refused atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 2000 {
				slot, ok := only(f).Acquire()
				if !ok {
					refused.Add(1)
					continue
				}
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				if rand.IntN(4) == 0 {
					time.Sleep(time.Microsecond) // lets others in between
				}
				running.Add(-1)
				slot.Release()
			}
		})
	}
	all.Go(func() {
		for i := range 200 {
			f.Update(fleet.Machine{ID: "m", App: "web", Healthy: i%2 == 0, Limits: fleet.Limits{Hard: hard}})
		}
	})
	all.Wait()
	m := only(f)
	if most.Load() != hard || m.Load() != 0 || refused.Load() == 0 {
		t.Errorf("%d at once, want %d; load %d at the end; %d refused", most.Load(), hard, m.Load(), refused.Load())
	}
}

func BenchmarkAcquire(b *testing.B) {
	m := only(limited(1 << 20))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			slot, _ := m.Acquire()
			slot.Release()
		}
	})
}
