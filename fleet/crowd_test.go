package fleet_test

import (
	"context"
	"errors"
	"slices"
	"sync"
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

// want compares what happened since it was last asked.
func (c *crowd) want(log ...string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.log, log) {
		c.t.Errorf("log %q, want %q", c.log, log)
	}
	c.log = nil
}

// wantInAnyOrder is for those who were woken together.
func (c *crowd) wantInAnyOrder(log ...string) {
	c.t.Helper()
	c.mu.Lock()
	slices.Sort(c.log)
	c.mu.Unlock()
	c.want(log...)
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
		if n := m.Waiting(); n > 0 {
			c.t.Errorf("%d stand in the line of machine %s when all is over", n, m.ID)
		}
		if m.Load() != 0 {
			c.t.Errorf("machine %s has load %d when all is over", m.ID, m.Load())
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
