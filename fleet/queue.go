package fleet

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Why a request did not get its turn; joined with what take said.
var (
	// ErrQueueFull: as many are waiting already as may.
	ErrQueueFull = errors.New("too many requests are waiting")
	// ErrWaited: no slot came free in time.
	ErrWaited = errors.New("waited too long")
)

// Queue is where requests wait while every machine that they may go to is at its
// hard limit. A request waits for all of these machines at once, and a slot of one
// goes to the one who has waited longest for it, wherever else that one waits; the
// lines belong to the machines, so several queues of one fleet share them. Nothing
// runs for a waiter but its own goroutine. The zero value has the protocol's numbers.
type Queue struct {
	Room     int           // how many may wait for each machine; 0: 100
	Patience time.Duration // how long one waits; 0: 10 s
}

// Wait calls take, and returns what it returns unless its error says that machines
// are busy: one with a method Busy that returns them. Then it waits for a slot of
// any, and calls take again when the fleet has changed meanwhile, which costs no
// place in the line. The error joins take's with [ErrQueueFull] or [ErrWaited], or
// is the context's cause.
func (q Queue) Wait(ctx context.Context, f *Fleet, take func(*Snapshot) (Slot, error)) (Slot, error) {
	s := f.Snapshot()
	slot, err := take(s)
	if err == nil {
		return slot, nil
	}
	return q.await(ctx, f, s, err, take)
}

// await goes on where take has returned an error.
func (q Queue) await(ctx context.Context, f *Fleet, s *Snapshot, err error, take func(*Snapshot) (Slot, error)) (Slot, error) {
	busy := busyOf(err)
	if len(busy) == 0 {
		return Slot{}, err
	}
	account := enter(busy, cmp.Or(q.Room, 100))
	if account == nil {
		return Slot{}, fmt.Errorf("%w: %w", ErrQueueFull, err)
	}
	defer account.exit()
	since := time.Now()
	patience := time.NewTimer(cmp.Or(q.Patience, 10*time.Second))
	defer patience.Stop()
	for {
		w := join(busy, since)
		var over error
		select {
		case l := <-w.turn:
			w.leave(busy)
			return slotOf(busy, l), nil
		case <-s.Changed():
		case <-patience.C:
			over = fmt.Errorf("%w: %w", ErrWaited, err)
		case <-ctx.Done():
			over = context.Cause(ctx)
		}
		if l := w.leave(busy); l != nil { // it came at the same moment
			slot := slotOf(busy, l)
			if ctx.Err() == nil {
				return slot, nil
			}
			slot.Release()
		}
		if over != nil {
			return Slot{}, over
		}
		s = f.Snapshot()
		var slot Slot
		slot, err = take(s)
		if busy = busyOf(err); len(busy) == 0 {
			return slot, err
		}
	}
}

func busyOf(err error) []Machine {
	var full interface {
		error
		Busy() []Machine
	}
	if !errors.As(err, &full) {
		return nil
	}
	return full.Busy()
}

// slotOf returns the slot that was handed over by one of the machines.
func slotOf(machines []Machine, l *load) Slot {
	for i := range machines {
		if machines[i].load == l {
			return Slot{&machines[i], l}
		}
	}
	panic("fleet: a slot of a machine that nobody waited for")
}

// enter counts a waiter in at the first machine that has room, and returns where;
// nil: nowhere. A waiter stands in the lines of all its machines but is counted
// once, so that many machines let many wait.
func enter(machines []Machine, room int) *load {
	for i := range machines {
		if l := machines[i].load; l != nil && l.enter(room) {
			return l
		}
	}
	return nil
}

func (l *load) enter(room int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queued >= room {
		return false
	}
	l.queued++
	return true
}

func (l *load) exit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued--
}

// waiter is one who waits, in the lines of some machines, for the first slot of
// any. The machine that claims it has it alone: no second slot is handed to it.
type waiter struct {
	since   time.Time
	claimed atomic.Bool
	turn    chan *load      // holds one, so that handing over never blocks
	spots   []*list.Element // by machine; nil: in no line there
}

func (w *waiter) claim() bool { return w.claimed.CompareAndSwap(false, true) }

// join lines up for all machines. Where a slot came free meanwhile it is taken.
func join(machines []Machine, since time.Time) *waiter {
	w := &waiter{since: since, turn: make(chan *load, 1), spots: make([]*list.Element, len(machines))}
	for i := range machines {
		if l := machines[i].load; l != nil {
			w.spots[i] = l.join(w)
		}
	}
	return w
}

// join puts w into the line, behind those who came before it.
func (l *load) join(w *waiter) *list.Element {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.full() {
		if w.claim() {
			l.used.Add(1)
			w.turn <- l
		}
		return nil
	}
	at := l.line.Back()
	for at != nil && at.Value.(*waiter).since.After(w.since) {
		at = at.Prev()
	}
	if at == nil {
		return l.line.PushFront(w)
	}
	return l.line.InsertAfter(w, at)
}

// leave takes w out of all lines. It returns who handed it a slot that it has not
// received.
func (w *waiter) leave(machines []Machine) *load {
	for i, spot := range w.spots {
		if spot != nil {
			machines[i].load.drop(spot)
		}
	}
	// Nobody can hand it one any more, and who did has done so before it let go of
	// its line, which we have held since.
	select {
	case l := <-w.turn:
		return l
	default:
		return nil
	}
}

func (l *load) drop(spot *list.Element) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.Remove(spot) // does nothing if it was served
}
