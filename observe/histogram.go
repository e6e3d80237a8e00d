package observe

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A doubling has 2^stepBits buckets.
const (
	stepBits = 4
	steps    = 1 << stepBits
)

// histogram counts durations of a microsecond to an hour and more. The zero value is
// empty. Safe for concurrent use.
type histogram struct {
	counts [32 * steps]atomic.Int64
}

func (h *histogram) add(d time.Duration) { h.counts[bucket(d)].Add(1) }

// bucket returns where d is counted: by its highest bit and those that follow.
func bucket(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < steps {
		return int(us)
	}
	exp := bits.Len64(us) - 1 - stepBits // us>>exp is steps to 2*steps-1
	return min(exp*steps+int(us>>exp), 32*steps-1)
}

// middle returns the middle of a bucket.
func middle(i int) time.Duration {
	if i < steps {
		return time.Duration(i) * time.Microsecond
	}
	exp := i/steps - 1
	from := uint64(i%steps+steps) << exp
	return time.Duration(from)*time.Microsecond + time.Duration(uint64(1)<<exp)*time.Microsecond/2
}

// quantile returns the duration that the share q of all stays within; 0 of none.
func (h *histogram) quantile(q float64) time.Duration {
	var all int64
	for i := range h.counts {
		all += h.counts[i].Load()
	}
	rank := int64(q * float64(all))
	for i := range h.counts {
		n := h.counts[i].Load()
		if rank < n {
			return middle(i)
		}
		rank -= n
	}
	return 0
}
