package postgres

import (
	"sync"
	"time"
)

// doubtTimeout is how long a request that failed waits for a look at the server, so
// that its edge is told the truth.
const doubtTimeout = 500 * time.Millisecond

// doubts are of those who want the server looked at again. Safe for concurrent use;
// the zero value has none.
type doubts struct {
	mu   sync.Mutex
	next chan struct{} // closed when the next look is over; nil: nobody wants one
}

// raise wants a look, and returns what is closed when it is over.
func (d *doubts) raise() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next == nil {
		d.next = make(chan struct{})
	}
	return d.next
}

func (d *doubts) pending() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next != nil
}

// take begins a look for all who want one by now. The look's end must be told.
func (d *doubts) take() (settled func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.next
	d.next = nil
	return func() {
		if next != nil {
			close(next)
		}
	}
}
