package supervise

import "time"

// pauses says how long to wait before a process that has ended is started again.
type pauses struct {
	first, most time.Duration
	steady      time.Duration // after it ran for so long, what was before is forgotten
}

var defaultPauses = pauses{first: 500 * time.Millisecond, most: 10 * time.Second, steady: 30 * time.Second}

// next returns the pause after one of last (0: there was none) and a run of ran.
func (p pauses) next(last, ran time.Duration) time.Duration {
	if last == 0 || ran >= p.steady {
		return p.first
	}
	return min(2*last, p.most)
}
