package forward

import (
	"sync"
	"time"
)

// announcement is a body that is held back until the machine asks for it
// (RFC 9110 §10.1.1): one that answers without asking has not touched it, so that
// it can still be sent to another. nil: the body is sent at once.
type announcement struct {
	answered chan struct{} // closed once an answer has begun: time decides nothing any more
	once     sync.Once
	decided  chan struct{} // closed once send is known
	send     bool
}

// announce returns the announcement that a request makes.
func announce(req *Request) *announcement {
	if !req.Announce || req.Body == nil {
		return nil
	}
	return &announcement{answered: make(chan struct{}), decided: make(chan struct{})}
}

// settle says whether the body is sent, unless that is known already, and returns
// what counts.
func (a *announcement) settle(send bool) bool {
	if a == nil {
		return true
	}
	a.once.Do(func() {
		a.send = send
		close(a.decided)
	})
	<-a.decided
	return a.send
}

// await returns whether the body is to be sent. A machine that says nothing in time
// gets it: perhaps it is waiting for it, without knowing how to ask.
func (a *announcement) await(patience time.Duration) bool {
	if a == nil {
		return true
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-a.decided:
	case <-timer.C:
	case <-a.answered:
		<-a.decided
	}
	return a.settle(true)
}

// answer is called once, when an answer has begun. From then on whoever has the answer
// says whether the body is sent.
func (a *announcement) answer() {
	if a != nil {
		close(a.answered)
	}
}

// withheld reports whether the body was held back, now that the machine has answered.
func (a *announcement) withheld() bool { return a != nil && !a.settle(false) }
