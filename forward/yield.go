package forward

import (
	"runtime"
	"time"
)

// Yield lets other goroutines go first where a read is likely to come too early. On a busy
// processor what it waits for has come by its next turn, which saves a read that finds
// nothing, a wait and being woken up. On an idle one a yield is the dearer, since it
// wakes up another processor to share the work; so it goes by what it has seen, and where
// it does not pay is tried only now and then. The zero value is ready. One goroutine
// at a time may use it.
type Yield struct {
	credit  int8          // above 0: it pays
	resting int8          // for so many times more it is not tried
	begun   time.Duration // of the read, where a yield came before; 0: none did
}

const (
	yieldsCredit = 4  // at most: so many failures end it
	yieldsRest   = 31 // until it is tried again
	// atOnce is within what a read returns that need not wait.
	atOnce = 5 * time.Microsecond
)

var yieldsEpoch = time.Now()

// Before is called before the read.
func (y *Yield) Before() {
	if y.due() {
		runtime.Gosched()
		y.begun = time.Since(yieldsEpoch)
	}
}

// After is called after it.
func (y *Yield) After() {
	if y.begun != 0 {
		y.learn(time.Since(yieldsEpoch) - y.begun)
		y.begun = 0
	}
}

// due reports whether to yield.
func (y *Yield) due() bool {
	if y.credit > 0 {
		return true
	}
	if y.resting == 0 {
		y.resting = yieldsRest
		return true
	}
	y.resting--
	return false
}

// learn takes how long the read has taken.
func (y *Yield) learn(took time.Duration) {
	if took <= atOnce {
		y.credit = min(y.credit+1, yieldsCredit)
		return
	}
	y.credit = max(y.credit-1, 0)
}
