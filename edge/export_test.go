package edge

import (
	"context"
	"io"
	"strings"
	"time"

	"homing/forward"
	"homing/journey"
	"homing/route"
	"homing/wire"
)

// Spoil has whatever a request leaves to the next overwritten, before the server serves:
// who still looks at it sees that it is not theirs.
func (s *Server) Spoil() { s.spoil = (*visit).spoil }

func (v *visit) spoil() {
	t := v.trip
	for _, h := range []wire.Header{v.in.header, t.header, t.answer, t.response.Header} {
		for i := range h[:cap(h)] {
			h[:cap(h)][i] = wire.Field{Name: "Spoiled", Value: "spoiled"}
		}
	}
	hops, buf := t.record.Hops, v.out.buf
	for i := range hops[:cap(hops)] {
		hops[:cap(hops)][i] = journey.Hop{Machine: "spoiled"}
	}
	for i := range buf[:cap(buf)] {
		buf[:cap(buf)][i] = '!'
	}
	if v.in.body != nil && v.upload != nil {
		v.upload.spoil(v.in.length)
	}
	v.in = inbound{method: "SPOILED", target: "/spoiled", path: "/spoiled", host: "spoiled", header: v.in.header, client: "spoiled"}
	t.course = course{target: "/spoiled", replays: 1, fellBack: true, cut: true, wish: route.Wish{App: "spoiled"}}
	t.record = journey.Record{ID: "spoiled", Path: "/spoiled", Hops: hops}
	t.request = forward.Request{Method: "SPOILED", Target: "/spoiled", Host: "spoiled", Header: t.header}
	if t.sending != nil {
		*t.sending = t.request
	}
	t.response.Status, t.response.Length = 599, 7
}

// spoil makes the body another one, of the same length, which overwrites what was kept.
// Whoever still reads the client of the one before panics.
func (u *upload) spoil(length int64) {
	if length > 0 && length <= 64<<10 {
		u.body.Begin(strings.NewReader(strings.Repeat("!", int(length))), length, length, forward.NewBudget(length), func() {})
		if attempt, err := u.body.Attempt(); err == nil {
			_, _ = io.Copy(io.Discard, attempt) // what matters is what it leaves behind
		}
		u.body.Close()
	}
	u.reading, u.moving = bodyReading{}, bodyMotion{}
}

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
