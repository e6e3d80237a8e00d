package postgres

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestRhythm looks as a wait of a certain length would have it, and holds what it waits
// too long, and how often it looks, against bounds.
func TestRhythm(t *testing.T) {
	for _, tt := range []struct {
		name       string
		usual, lag time.Duration
		overshoot  time.Duration // at most
		looks      int           // at most
	}{
		{"the first of all", 0, 10 * time.Millisecond, 250 * time.Microsecond, 60},
		{"as usual, next door", 300 * time.Microsecond, 300 * time.Microsecond, 250 * time.Microsecond, 5},
		{"as usual, across an ocean", 60 * time.Millisecond, 60 * time.Millisecond, 700 * time.Microsecond, 60},
		{"sooner than usual", 60 * time.Millisecond, 4 * time.Millisecond, 1100 * time.Microsecond, 25},
		{"later than usual", 300 * time.Microsecond, 100 * time.Millisecond, 1100 * time.Microsecond, 700},
		{"held back", 60 * time.Millisecond, 2 * time.Second, 5100 * time.Microsecond, 800},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rhythm{usual: tt.usual}
				begun := time.Now()
				r.begin()
				looks := 1
				for ; time.Since(begun) < tt.lag; looks++ {
					time.Sleep(r.pause())
				}
				if over := time.Since(begun) - tt.lag; over > tt.overshoot || looks > tt.looks {
					t.Errorf("%v too late, after %d looks", over, looks)
				}
				r.ended(1)
				if len(r.starts) > 0 || tt.usual == tt.lag && r.usual < tt.usual {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// TestWhoJoinsDelaysNobody: one who has waited for long is not put off by one who has
// only come.
func TestWhoJoinsDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rhythm{usual: 60 * time.Millisecond}
		r.begin()
		time.Sleep(59 * time.Millisecond)
		r.join()
		if p := r.pause(); p > time.Millisecond {
			t.Errorf("the next look is in %v", p)
		}
		for range 2 * mostStarts {
			r.join()
		}
		if r.ended(3 * mostStarts); len(r.starts) > 0 {
			t.Errorf("%d are left", len(r.starts))
		}
	})
}
