package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homing/fleet"
	"homing/machine"
)

// busy is what somebody who chooses says when all machines are full.
type busy []fleet.Machine

func (b busy) Error() string         { return "all are busy" }
func (b busy) Busy() []fleet.Machine { return b }

// anyOf takes a slot of the first of these machines that is healthy and not full.
func anyOf(ids ...machine.ID) func(*fleet.Snapshot) (fleet.Slot, error) {
	return func(s *fleet.Snapshot) (fleet.Slot, error) {
		var full busy
		for _, id := range ids {
			m, ok := s.Machine("web", id)
			if !ok || !m.Healthy {
				continue
			}
			if slot, ok := m.Acquire(); ok {
				return slot, nil
			}
			full = append(full, m)
		}
		if len(full) == 0 {
			return fleet.Slot{}, errors.New("none is healthy")
		}
		return fleet.Slot{}, full
	}
}

func web(id machine.ID, hard int) fleet.Machine {
	return fleet.Machine{ID: id, App: "web", Addr: "old", Healthy: true, Limits: fleet.Limits{Hard: hard}}
}

// crowd is a fleet whose machines are full, and those who wait for them. It is used
// within a synctest bubble.
type crowd struct {
	t     *testing.T
	fleet *fleet.Fleet
	queue fleet.Queue
	held  map[machine.ID][]fleet.Slot
	log   []string // who was let in or not, in order
	mu    sync.Mutex
}

func newCrowd(t *testing.T, machines ...fleet.Machine) *crowd {
	c := &crowd{t: t, fleet: fleet.New(nil, machines...), held: map[machine.ID][]fleet.Slot{}}
	for _, m := range c.fleet.Snapshot().Machines() {
		for !m.Full() {
			slot, _ := m.Acquire()
			c.held[m.ID] = append(c.held[m.ID], slot)
		}
	}
	return c
}

// arrives lets somebody wait for the machines, and returns once it waits.
func (c *crowd) arrives(ctx context.Context, name string, ids ...machine.ID) {
	go func() {
		slot, err := c.queue.Wait(ctx, c.fleet, anyOf(ids...))
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			c.log = append(c.log, name+": "+err.Error())
			return
		}
		c.held[slot.Machine.ID] = append(c.held[slot.Machine.ID], slot)
		c.log = append(c.log, name+">"+string(slot.Machine.ID))
	}()
	synctest.Wait()
	time.Sleep(time.Nanosecond) // nobody else comes at the same moment
}

// frees gives one slot of the machine back.
func (c *crowd) frees(id machine.ID) {
	c.mu.Lock()
	slot := c.held[id][0]
	c.held[id] = c.held[id][1:]
	c.mu.Unlock()
	slot.Release()
	synctest.Wait()
}

func (c *crowd) want(log ...string) {
	c.t.Helper()
	if !slices.Equal(c.log, log) {
		c.t.Errorf("log %q, want %q", c.log, log)
	}
}

// wantNoTrace checks that every slot can be had again.
func (c *crowd) wantNoTrace() {
	c.t.Helper()
	for _, slots := range c.held {
		for i := range slots {
			slots[i].Release()
		}
	}
	for _, m := range c.fleet.Snapshot().Machines() {
		if m.Load() != 0 {
			c.t.Errorf("machine %s has load %d when all is over", m.ID, m.Load())
		}
		if m.Limits.Hard == 0 {
			continue // nobody waits there
		}
		var slots []fleet.Slot
		for !m.Full() {
			slot, _ := m.Acquire()
			slots = append(slots, slot)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for range 100 { // there is room for as many as ever
			go c.queue.Wait(ctx, c.fleet, anyOf(m.ID))
		}
		synctest.Wait()
		if slot, err := c.queue.Wait(ctx, c.fleet, anyOf(m.ID)); !errors.Is(err, fleet.ErrQueueFull) {
			c.t.Errorf("number 101 got %v, %v", slot.Machine.ID, err)
		}
		cancel()
		synctest.Wait()
		for i := range slots {
			slots[i].Release()
		}
		if m.Load() != 0 {
			c.t.Errorf("machine %s has load %d after a crowd left", m.ID, m.Load())
		}
	}
}

func TestWhoCameFirstIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, web("a", 1), web("b", 1))
		c.arrives(t.Context(), "1", "a", "b")
		c.arrives(t.Context(), "2", "b")
		c.arrives(t.Context(), "3", "a")
		c.arrives(t.Context(), "4", "b", "a")
		c.frees("b") // 1 came before 2, though it would rather have a
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
		if want := []string{"0>b", "6: too many requests are waiting: all are busy"}; !slices.Equal(c.log[1:], want) {
			t.Errorf("then %q, want %q", c.log[1:], want)
		}
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
				slices.Sort(c.log) // woken together, they may speak in any order
				c.want(tt.want...)
				c.log = nil
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
