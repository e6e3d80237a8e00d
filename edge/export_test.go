package edge

import (
	"context"
	"time"
)

// SetTimes shortens what a client may take, before the server serves.
func (s *Server) SetTimes(idle, head, stall time.Duration) {
	s.times.idle, s.times.head, s.times.stall = idle, head, stall
}

// SetLinger shortens how long what a client sends on is dropped, before the server
// serves.
func (s *Server) SetLinger(d time.Duration) { s.times.linger = d }

// Clients returns how many connections there are, but for tunnels.
func (s *Server) Clients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients)
}

// CacheSize returns how many replays are cached, and about how many bytes they are.
func (e *Edge) CacheSize() (entries int, bytes int64) { return e.recall.Size() }

// WaitingForPrimary returns how many requests wait for a primary.
func (e *Edge) WaitingForPrimary() int { return int(e.vigil.waiting.Load()) }

// AwaitLog waits until the log has all lines.
func (e *Edge) AwaitLog() { e.logbook.flush(context.Background()) }
