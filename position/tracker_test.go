package position_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"homing/position"
)

// at orders positions as numbers; the zero position is before all of them.
func at(n int) position.Position { return position.Position(strconv.Itoa(n)) }

func number(p position.Position) int {
	n, _ := strconv.Atoi(string(p))
	return n
}

func atLeast(have, want position.Position) bool { return have != "" && number(have) >= number(want) }

// noneLeft must be true at the end of each test: a waiter that nobody removes
// is woken for ever.
func noneLeft(t *testing.T, tracker *position.Tracker) {
	t.Helper()
	if n := tracker.Waiting(); n != 0 {
		t.Errorf("%d are still waiting, want 0", n)
	}
}

func TestWhatIsReachedIsGrantedAtOnce(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tracker := position.NewTracker(atLeast)
	if err := tracker.Wait(ended, ""); err != nil {
		t.Errorf("Wait for the zero position: %v, want nil", err)
	}
	tracker.Advance("5")
	for _, p := range []position.Position{"", "1", "5"} {
		if err := tracker.Wait(ended, p); err != nil {
			t.Errorf("at 5, Wait(%q) with a context that is done: %v, want nil", p, err)
		}
	}
	if err := tracker.Wait(ended, "6"); !errors.Is(err, context.Canceled) {
		t.Errorf("at 5, Wait(6) with a context that is done: %v, want its error", err)
	}
	noneLeft(t, tracker)
}

func TestTheZeroPositionIsNeverCompared(t *testing.T) {
	tracker := position.NewTracker(func(_, want position.Position) bool {
		if want == "" {
			t.Error("covers was asked for the zero position")
		}
		return true
	})
	tracker.Wait(t.Context(), "")
	tracker.Advance("1")
	tracker.Wait(t.Context(), "")
}

func TestAdvanceWakesExactlyThoseCovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := position.NewTracker(atLeast)
		var woken [11]bool
		for i := 1; i <= 10; i++ {
			go func() {
				if err := tracker.Wait(t.Context(), at(i)); err != nil {
					t.Errorf("Wait(%d): %v", i, err)
				}
				woken[i] = true
			}()
		}
		for _, reached := range []int{3, 4, 4, 2, 10} {
			had := number(tracker.Reached())
			tracker.Advance(at(reached))
			synctest.Wait()
			for i := 1; i <= 10; i++ {
				if want := i <= max(had, reached); woken[i] != want {
					t.Errorf("after %d: waiter for %d woken: %v, want %v", reached, i, woken[i], want)
				}
			}
			if want := 10 - max(had, reached); tracker.Waiting() != want && reached != 2 {
				t.Errorf("after %d: %d waiting, want %d", reached, tracker.Waiting(), want)
			}
		}
		noneLeft(t, tracker)
	})
}

// GTID sets are ordered only partly: neither of two may cover the other.
func TestAPartialOrderIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contains := func(have, want position.Position) bool {
			return len(have) >= len(want) && (have == want || have == "ab")
		}
		tracker := position.NewTracker(contains)
		var got string
		for _, want := range []position.Position{"a", "b", "ab"} {
			go func() {
				tracker.Wait(t.Context(), want)
				got += "(" + string(want) + ")"
			}()
		}
		for _, step := range []struct{ reached, want string }{{"b", "(b)"}, {"a", "(b)(a)"}, {"ab", "(b)(a)(ab)"}} {
			synctest.Wait()
			tracker.Advance(position.Position(step.reached))
			synctest.Wait()
			if got != step.want {
				t.Errorf("at %s: woken %s, want %s", step.reached, got, step.want)
			}
		}
		noneLeft(t, tracker)
	})
}

// Whoever is told that somebody joined must find them, or would wait for others alone.
func TestWhoJoinsIsAmongThoseThatAreAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := position.NewTracker(atLeast)
		firsts := make(chan position.Position, 10)
		tracker.Joined = func() { firsts <- tracker.First() }
		tracker.Advance("1")
		for _, step := range []struct{ want, first position.Position }{{"7", "7"}, {"9", "7"}, {"5", "5"}, {"5", "5"}, {"6", "5"}} {
			go tracker.Wait(t.Context(), step.want)
			if first := <-firsts; first != step.first {
				t.Errorf("once %s is awaited, the first is %q, want %s", step.want, first, step.first)
			}
		}
		tracker.Wait(t.Context(), "1")
		if len(firsts) > 0 {
			t.Error("who did not have to wait has joined")
		}
		for _, step := range []struct{ reached, first position.Position }{{"4", "5"}, {"5", "6"}, {"8", "9"}, {"9", ""}} {
			if tracker.Advance(step.reached); tracker.First() != step.first {
				t.Errorf("at %s the first is %q, want %q", step.reached, tracker.First(), step.first)
			}
		}
	})
}

func TestAWaitEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := position.NewTracker(atLeast)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
		defer cancel()
		time.AfterFunc(100*time.Millisecond, func() { tracker.Advance("6") }) // not enough
		if err := tracker.Wait(ctx, "7"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait: %v, want the deadline", err)
		}
		if took := time.Since(begun); took != 120*time.Millisecond {
			t.Errorf("Wait took %v, want 120ms", took)
		}
		noneLeft(t, tracker)
		tracker.Advance("7") // nobody is there to be woken
	})
}

func TestAWaitEndsAsSoonAsItIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := position.NewTracker(atLeast)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.AfterFunc(40*time.Millisecond, func() { tracker.Advance("7") })
		if err := tracker.Wait(ctx, "7"); err != nil {
			t.Errorf("Wait: %v, want nil", err)
		}
		if took := time.Since(begun); took != 40*time.Millisecond {
			t.Errorf("Wait took %v, want 40ms", took)
		}
	})
}

// The context ends while Advance is granting: whoever gives up finds that it was
// removed from the list, and must say granted, or a request would go home though
// its replica is ready. Repeated, since the scheduler decides what Wait sees.
func TestAGrantInTheMomentOfTheDeadlineWins(t *testing.T) {
	for range 500 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			tracker := position.NewTracker(func(have, want position.Position) bool {
				if have != "" {
					cancel()
				}
				return have != ""
			})
			result := make(chan error, 1)
			go func() { result <- tracker.Wait(ctx, "7") }()
			synctest.Wait()
			tracker.Advance("7")
			if err := <-result; err != nil {
				t.Errorf("Wait: %v, want nil", err)
			}
			noneLeft(t, tracker)
		})
	}
}

func TestAThousandWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const waiters = 1000
		tracker := position.NewTracker(atLeast)
		errs := make([]error, waiters)
		for i := range waiters {
			// Every third gives up before its position comes.
			patience := time.Hour
			if i%3 == 0 {
				patience = time.Duration(i)*time.Millisecond + time.Millisecond/2
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			go func() { errs[i] = tracker.Wait(ctx, at(i+2)) }()
		}
		synctest.Wait()
		if n := tracker.Waiting(); n != waiters {
			t.Fatalf("%d waiting, want %d", n, waiters)
		}
		for i := range waiters + 1 { // reaches i+1 at i milliseconds
			tracker.Advance(at(i + 1))
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		for i, err := range errs {
			if gaveUp := errors.Is(err, context.DeadlineExceeded); gaveUp != (i%3 == 0) || !gaveUp && err != nil {
				t.Errorf("waiter %d: %v", i, err)
			}
		}
		noneLeft(t, tracker)
	})
}

func TestAWaitForWhatIsReachedCostsNoAllocation(t *testing.T) {
	tracker := position.NewTracker(func(have, want position.Position) bool { return have >= want })
	tracker.Advance("0b")
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _ = tracker.Wait(ctx, "0a") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkAdvance(b *testing.B) {
	for _, waiters := range []int{0, 1, 1000} {
		b.Run(fmt.Sprint(waiters, " waiting"), func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			tracker := position.NewTracker(func(have, want position.Position) bool { return have >= want })
			for range waiters {
				go tracker.Wait(ctx, "z")
			}
			for tracker.Waiting() < waiters {
				time.Sleep(time.Millisecond)
			}
			for b.Loop() {
				tracker.Advance("a")
			}
		})
	}
}
