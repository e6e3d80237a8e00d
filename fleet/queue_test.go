package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homing/fleet"
	"homing/machine"
)

func TestWhoCameFirstIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		c.arrives(t.Context(), "1", "a", "b")
		c.arrives(t.Context(), "2", "b")
		c.arrives(t.Context(), "3", "a")
		c.arrives(t.Context(), "4", "b", "a")
		c.frees("b") // 1 came before 2, though it would rather have a
		if a, _ := c.fleet.Snapshot().Machine("web", "a"); a.Waiting() != 2 {
			t.Errorf("%d stand in the line of a, want 3 and 4 only", a.Waiting())
		}
		c.frees("b") // 1 has left
		c.frees("b")
		c.frees("a")
		c.want("1>b", "2>b", "4>b", "3>a")
		c.wantNoTrace()
	})
}

func TestNobodyGetsInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1))
		c.arrives(t.Context(), "1", "a")
		c.mu.Lock() // for now, so that it cannot say that it was served
		first := c.held["a"][0]
		first.Release()
		c.held["a"] = nil
		if _, ok := only(c.fleet).Acquire(); ok {
			t.Error("a newcomer took the slot of one who waited")
		}
		c.mu.Unlock()
		synctest.Wait()
		c.want("1>a")
	})
}

// A slot that comes free after all were found busy, and before the line is joined,
// is not missed.
func TestASlotThatJustCameFreeIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		begun := time.Now()
		slot, err := c.queue.Wait(t.Context(), c.fleet, func(s *fleet.Snapshot) (fleet.Slot, error) {
			slot, err := anyOf("a", "b")(s)
			c.frees("b")
			return slot, err
		})
		if err != nil || slot.Machine.ID != "b" || time.Since(begun) != 0 {
			t.Errorf("slot of %q, %v after %v", slot.Machine.ID, err, time.Since(begun))
		}
		slot.Release()
		c.wantNoTrace()
	})
}

// A changed fleet wakes all who wait, in no order; their order in the lines stays.
func TestAChangeCostsNobodyTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		var want []string
		for i := range 20 {
			c.arrives(t.Context(), fmt.Sprint(i), "a", "b")
			want = append(want, fmt.Sprint(i, ">a"))
		}
		c.fleet.Update(web("c", 1))
		synctest.Wait()
		for range 10 {
			c.frees("a")
		}
		c.want(want[:10]...)
		c.fleet.Update(web("a", 4)) // three more at once
		synctest.Wait()
		c.wantInAnyOrder(want[10:13]...)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c.wantNoTrace()
	})
}

func TestWhoNeedNotWaitDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1))
		c.frees("a")
		c.arrives(t.Context(), "1", "a")
		c.arrives(t.Context(), "2", "gone")
		c.want("1>a", "2: none is healthy")
		c.wantNoTrace()
	})
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		begun := time.Now()
		_, err := c.queue.Wait(t.Context(), c.fleet, anyOf("a", "b"))
		var full busy
		if took := time.Since(begun); took != 10*time.Second || !errors.Is(err, fleet.ErrWaited) || !errors.As(err, &full) {
			t.Errorf("%v after %v; want both errors after 10 s", err, took)
		}
		c.queue.Patience = time.Second
		if _, err = c.queue.Wait(t.Context(), c.fleet, anyOf("a")); !errors.Is(err, fleet.ErrWaited) || time.Since(begun) != 11*time.Second {
			t.Errorf("%v after %v; want 11 s in all", err, time.Since(begun))
		}
		c.wantNoTrace()
	})
}

func TestWhoLeavesLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		ctx, cancel := context.WithCancelCause(t.Context())
		c.arrives(ctx, "1", "a", "b")
		c.arrives(t.Context(), "2", "a")
		cancel(errors.New("the client went away"))
		synctest.Wait()
		c.frees("a")
		c.arrives(ctx, "3", "b")
		c.want("1: the client went away", "2>a", "3: the client went away")
		c.wantNoTrace()
	})
}

func TestOnlySoManyMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		c.queue.Room = 2
		for i := range 5 { // room for two at each machine
			c.arrives(t.Context(), fmt.Sprint(i), "a", "b")
		}
		c.want("4: too many requests are waiting: all are busy")
		c.frees("b")
		c.arrives(t.Context(), "5", "a", "b") // in place of 0
		c.arrives(t.Context(), "6", "a")
		c.want("0>b", "6: too many requests are waiting: all are busy")
		for range 5 {
			c.frees("b")
		}
		c.queue.Room = 0
		c.wantNoTrace()
	})
}

func TestAChangedFleetIsSeenByThoseWhoWait(t *testing.T) {
	ill := web("a", 1)
	ill.Healthy = false
	moved := web("a", 1)
	moved.Addr = "new"
	for _, tt := range []struct {
		name   string
		change fleet.Machine
		want   []string
	}{
		{"a machine is added", web("c", 1), []string{"1>c"}},
		{"the limit is raised by one", web("a", 2), []string{"1>a"}},
		{"the limit is raised by more", web("a", 9), []string{"1>a", "2>a"}},
		{"the limit is taken away", web("a", 0), []string{"1>a", "2>a"}},
		{"a machine falls ill", ill, []string{"2: none is healthy"}},
		{"a machine moves", moved, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, web("a", 1), web("b", 1))
				c.arrives(t.Context(), "1", "a", "b", "c")
				c.arrives(t.Context(), "2", "a")
				c.fleet.Update(tt.change)
				synctest.Wait()
				c.wantInAnyOrder(tt.want...)
				if tt.want == nil { // they wait on, in the order in which they came
					c.frees("a")
					c.frees("a")
					c.want("1>a", "2>a")
					if m := c.held["a"]; len(m) == 0 || m[0].Machine.Addr != "new" {
						t.Errorf("the slot is of a machine as it was: %+v", m)
					}
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				c.fleet.Update(web("a", 1))
				c.wantNoTrace()
			})
		})
	}
}

// However releases, changes, arrivals and departures fall together: nobody is above
// the limit, nobody waits while a slot is free, and at the end all is free.
func TestNoWakeUpIsLost(t *testing.T) {
	const hard = 3
	f := fleet.New(nil, web("a", hard), web("b", hard))
	var all sync.WaitGroup
	var served, left atomic.Int64
	var running [2]atomic.Int64
	for i := range 60 {
		all.Go(func() {
			ids := [][]machine.ID{{"a"}, {"b"}, {"a", "b"}, {"b", "a"}}[i%4]
			for range 200 {
				ctx, cancel := context.WithCancel(context.Background())
				if rand.IntN(5) == 0 {
					ctx, cancel = context.WithTimeout(context.Background(), time.Duration(rand.IntN(200))*time.Microsecond)
				}
				slot, err := fleet.Queue{Patience: time.Minute}.Wait(ctx, f, anyOf(ids...))
				if err == nil {
					at := &running[strings.Index("ab", string(slot.Machine.ID))]
					if at.Add(1) > hard {
						t.Error("above the hard limit")
					}
					if rand.IntN(3) == 0 {
						time.Sleep(time.Microsecond)
					}
					at.Add(-1)
					slot.Release()
					served.Add(1)
				} else if left.Add(1); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	done := make(chan struct{})
	all.Go(func() {
		for i := range 300 {
			m := web("a", hard)
			m.Addr = fmt.Sprint(i)
			f.Update(m)
			time.Sleep(10 * time.Microsecond)
		}
	})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(50 * time.Second):
		t.Fatal("somebody waits though nobody holds a slot")
	}
	for _, m := range f.Snapshot().Machines() {
		if m.Load() != 0 {
			t.Errorf("machine %s has load %d at the end", m.ID, m.Load())
		}
	}
	if served.Load() < 60*200/2 || left.Load() == 0 {
		t.Errorf("%d served, %d left: the test proves little", served.Load(), left.Load())
	}
}

func BenchmarkQueueThatIsNotNeeded(b *testing.B) {
	f := fleet.New(nil, web("a", 1))
	take := func(s *fleet.Snapshot) (fleet.Slot, error) {
		slot, _ := s.Machines()[0].Acquire()
		return slot, nil
	}
	b.ReportAllocs()
	for b.Loop() {
		slot, err := fleet.Queue{}.Wait(context.Background(), f, take)
		if err != nil {
			b.Fatal(err)
		}
		slot.Release()
	}
}
