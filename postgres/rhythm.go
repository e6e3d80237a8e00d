package postgres

import "time"

// rhythm says when to look next while some wait. Positions usually take as long as
// they did lately, so it looks closely then, and before and after ever less often for
// the time that has passed: nobody waits much longer for it than without it. It is used
// by one goroutine.
type rhythm struct {
	usual  time.Duration // how long waits took lately
	starts []time.Time   // of those that go on, the oldest first
}

const (
	// closely is the shortest pause, a few times what a look takes.
	closely = 200 * time.Microsecond
	// seldom is the longest.
	seldom = 5 * time.Millisecond
	// mostStarts bounds what is kept; who comes beyond is looked for with the others.
	mostStarts = 64
)

// begin forgets who waited before, and counts who begins now.
func (r *rhythm) begin() {
	r.starts = r.starts[:0]
	r.join()
}

func (r *rhythm) join() {
	if len(r.starts) < mostStarts {
		r.starts = append(r.starts, time.Now())
	}
}

// ended says that so many waits have ended. They are taken for the oldest.
func (r *rhythm) ended(n int) {
	for range min(n, len(r.starts)) {
		r.usual = (3*r.usual + time.Since(r.starts[0])) / 4
		r.starts = r.starts[1:]
	}
}

// pause is how long until the next look.
func (r *rhythm) pause() time.Duration {
	next := seldom
	for _, start := range r.starts {
		next = min(next, r.after(time.Since(start)))
	}
	return max(next, closely)
}

// after is the pause for one who has waited for so long.
func (r *rhythm) after(passed time.Duration) time.Duration {
	if early := r.usual*8/10 - passed; early > 0 {
		return min(early, passed/4)
	}
	return min(passed/100, seldom)
}
