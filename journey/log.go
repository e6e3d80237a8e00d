package journey

import (
	"sync"
)

// Log keeps the newest records and tells those who follow it when there are
// more. Create it with [NewLog]. Safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	ring    []Record // record n, counted from 0, stands at n modulo its length
	count   uint64
	changed chan struct{} // closed at the next Add; nil: nobody waits for that
}

// NewLog returns an empty log that keeps the newest n records; none if n is not
// positive.
func NewLog(n int) *Log { return &Log{ring: make([]Record, max(n, 0))} }

// Add keeps a copy of a record, in the place of the oldest: its path and so on stay
// parts of the request's head.
func (l *Log) Add(r *Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := uint64(len(l.ring)); n > 0 {
		place := &l.ring[l.count%n]
		hops := append(place.Hops[:0], r.Hops...)
		*place = *r
		place.Hops = hops
	}
	l.count++
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Since returns copies of the records that were added after the first n and are still
// kept, oldest first, the number added so far, and a channel that is closed when
// there are more.
func (l *Log) Since(n uint64) (records []*Record, count uint64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := min(l.count, uint64(len(l.ring)))
	for i := max(min(n, l.count), l.count-kept); i < l.count; i++ {
		records = append(records, l.ring[i%uint64(len(l.ring))].Clone())
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return records, l.count, l.changed
}
