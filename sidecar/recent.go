package sidecar

import (
	"sync/atomic"
	"time"

	"homing/trail"
)

// Recent is a [Witness] that is told what happens by whoever sees it, such as a relay
// between the app and its database. The zero value has seen nothing. Safe for
// concurrent use.
type Recent struct {
	latest [marks]atomic.Pointer[time.Time] // when the newest statement of each mark began
}

// marks is how many there are.
const marks = 4

// Tell notes marks of a statement that began at a time. It must be called before the
// app has its answer.
func (r *Recent) Tell(m trail.Mark, began time.Time) {
	for i := range r.latest {
		if m&(1<<i) == 0 {
			continue
		}
		for {
			old := r.latest[i].Load()
			if old != nil && !old.Before(began) || r.latest[i].CompareAndSwap(old, &began) {
				break
			}
		}
	}
}

// Since returns the marks of statements that began at t or later: others are of
// requests that came before. The newest of each mark tells.
func (r *Recent) Since(t time.Time) (m trail.Mark) {
	for i := range r.latest {
		if began := r.latest[i].Load(); began != nil && !began.Before(t) {
			m |= 1 << i
		}
	}
	return m
}
