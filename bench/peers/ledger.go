//go:build linux

package main

import "sync"

// idHeader names the header that tells one request of a soak from another.
const idHeader = "X-Soak-Id"

// ledger counts how often each write was begun. Safe for concurrent use.
type ledger struct {
	mu    sync.Mutex
	runs  map[string]bool
	twice int
}

func (l *ledger) run(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs[id] {
		l.twice++
	}
	l.runs[id] = true
}

func (l *ledger) runTwice() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.twice
}
