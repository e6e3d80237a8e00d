package trail_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"homing/trail"
)

func TestMarksAreKeptApart(t *testing.T) {
	all := []trail.Mark{trail.Wrote, trail.Refused, trail.Conflict}
	for _, left := range all {
		ctx, tr := trail.Start(t.Context())
		trail.Leave(ctx, left)
		for _, m := range all {
			if tr.Has(m) != (m == left) {
				t.Errorf("after %b, Has(%b) is %v", left, m, tr.Has(m))
			}
		}
	}
}

func TestMarksAddUpAndHasAsksForAny(t *testing.T) {
	_, tr := trail.Start(t.Context())
	tr.Leave(trail.Wrote)
	tr.Leave(trail.Conflict)
	tr.Leave(trail.Wrote)
	for m, want := range map[trail.Mark]bool{
		trail.Wrote: true, trail.Conflict: true, trail.Refused: false, trail.Refused | trail.Conflict: true, 0: false,
	} {
		if tr.Has(m) != want {
			t.Errorf("Has(%b) is %v, want %v", m, !want, want)
		}
	}
}

func TestWithoutATrailMarksAreIgnored(t *testing.T) {
	trail.Leave(t.Context(), trail.Wrote)
	tr := trail.From(t.Context())
	tr.Leave(trail.Wrote)
	if tr != nil || tr.Has(trail.Wrote) {
		t.Errorf("a context without a trail has %v", tr)
	}
}

func TestATrailIsFoundThroughDerivedContexts(t *testing.T) {
	ctx, tr := trail.Start(t.Context())
	type other struct{}
	derived, cancel := context.WithCancel(context.WithValue(ctx, other{}, 1))
	cancel() // a query that was cancelled has left its marks all the same
	trail.Leave(context.WithoutCancel(derived), trail.Refused)
	if trail.From(derived) != tr || !tr.Has(trail.Refused) {
		t.Error("the mark did not reach the trail")
	}
}

func TestAnInnerTrailHidesTheOuter(t *testing.T) {
	outerCtx, outer := trail.Start(t.Context())
	innerCtx, inner := trail.Start(outerCtx)
	trail.Leave(innerCtx, trail.Wrote)
	if outer.Has(trail.Wrote) || !inner.Has(trail.Wrote) {
		t.Error("a mark of the inner trail was left on the outer one")
	}
}

func TestHandlersMayQueryFromSeveralGoroutines(t *testing.T) {
	ctx, tr := trail.Start(t.Context())
	var all sync.WaitGroup
	for _, m := range []trail.Mark{trail.Wrote, trail.Refused, trail.Conflict} {
		for range 10 {
			all.Go(func() { trail.Leave(ctx, m) })
			all.Go(func() { tr.Has(m) })
		}
	}
	all.Wait()
	for _, m := range []trail.Mark{trail.Wrote, trail.Refused, trail.Conflict} {
		if !tr.Has(m) {
			t.Errorf("mark %b was lost", m)
		}
	}
}

func ExampleStart() {
	ctx, t := trail.Start(context.Background()) // the handler, before it calls the app
	trail.Leave(ctx, trail.Refused)             // a hook of the database, during a query
	fmt.Println(t.Has(trail.Refused), t.Has(trail.Wrote))
	// Output: true false
}

func TestWhatIsToleratedLeavesNoMark(t *testing.T) {
	ctx, tr := trail.Start(t.Context())
	best := trail.Tolerate(ctx)
	if !trail.Tolerates(best) || trail.Tolerates(ctx) {
		t.Errorf("tolerant: %v, and around it: %v", trail.Tolerates(best), trail.Tolerates(ctx))
	}
	trail.Leave(best, trail.Refused|trail.Wrote)
	trail.Leave(best, trail.Conflict)
	if tr.Has(trail.Refused) || !tr.Has(trail.Wrote) || !tr.Has(trail.Conflict) {
		t.Error("a refusal that is tolerated was marked, or something else was not")
	}
	trail.Leave(ctx, trail.Refused)
	if !tr.Has(trail.Refused) {
		t.Error("the request around it tolerates refusals too")
	}
}
