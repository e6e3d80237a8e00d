package journey

import (
	"slices"
	"sync"
)

// Log keeps the newest records and tells those who follow it when there are
// more. Create it with [NewLog]. Safe for concurrent use.
type Log struct {
	keep int

	mu      sync.Mutex
	records []*Record // oldest first
	count   uint64
	changed chan struct{} // closed and replaced at each Add
}

// NewLog returns an empty log that keeps the newest n records; none if n is not
// positive.
func NewLog(n int) *Log {
	return &Log{keep: n, changed: make(chan struct{})}
}

// Add appends a record, which must not change any more.
func (l *Log) Add(r *Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	if len(l.records) > l.keep {
		l.records = slices.Delete(l.records, 0, 1)
	}
	l.count++
	close(l.changed)
	l.changed = make(chan struct{})
}

// Since returns the records that were added after the first n and are still
// kept, oldest first, the number added so far, and a channel that is closed when
// there are more.
func (l *Log) Since(n uint64) (records []*Record, count uint64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := len(l.records)
	if added := l.count - min(n, l.count); added < uint64(fresh) {
		fresh = int(added)
	}
	return slices.Clone(l.records[len(l.records)-fresh:]), l.count, l.changed
}
