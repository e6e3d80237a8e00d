package homing

import (
	"context"
	"fmt"
	"sync"
	"time"

	"homing/trail"
)

// stay is the context of a request while the app has it. It carries the visit and its
// trail, and ends with the handler, or when the answer is dropped.
//
// It does in one piece of memory, the visit's, what a context with two values and a
// cancel function does in six; only an app that asks how long its request lasts, as
// most drivers of databases do, has package context make the rest. It is never used
// again for another request: apps may keep a context for as long as they like.
type stay struct {
	outer context.Context // the request's as it came
	visit *visit

	mu     sync.Mutex
	life   context.Context // ends with the stay; nil until somebody asks
	cancel context.CancelFunc
	over   bool
}

// lasting returns what ends with the stay.
func (s *stay) lasting() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == nil {
		s.life, s.cancel = context.WithCancel(s.outer)
		if s.over { // asked by somebody whom the handler has left behind
			s.cancel()
		}
	}
	return s.life
}

// end ends it. It may be called more than once.
func (s *stay) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.cancel != nil {
		s.cancel()
	}
}

func (s *stay) Deadline() (time.Time, bool) { return s.outer.Deadline() }
func (s *stay) Done() <-chan struct{}       { return s.lasting().Done() }
func (s *stay) Err() error                  { return s.lasting().Err() }

func (s *stay) Value(key any) any {
	if _, ok := key.(visitKey); ok {
		return s.visit
	}
	if trail.IsKey(key) {
		return &s.visit.trail
	}
	s.mu.Lock()
	life := s.life
	s.mu.Unlock()
	if life == nil {
		return s.outer.Value(key)
	}
	// Package context asks for what it has made, once it has seen Done. Without it
	// each context made of this one would cost a goroutine.
	return life.Value(key)
}

// String keeps what the request holds out of a log that a context gets into. Like
// package context it names one of another kind by its type: it may hold anything.
func (s *stay) String() string {
	name := fmt.Sprintf("%T", s.outer)
	if named, ok := s.outer.(fmt.Stringer); ok {
		name = named.String()
	}
	return name + ".homing"
}
