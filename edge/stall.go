package edge

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// stallLimit is how long a client may take nothing of its answer, where no
// [Server] says.
const stallLimit = time.Minute

// stall ends a stream of HTTP/2 whose client takes nothing: it must not hold a
// machine for ever, and other streams keep its connection alive. net/http's own
// deadline would end one on which there is just nothing to write.
type stall struct {
	limit time.Duration
	timer *time.Timer

	mu sync.Mutex
	rc *http.ResponseController // nil once the answer is over: net/http has it then
}

func newStall(rc *http.ResponseController, request context.Context) *stall {
	s := &stall{limit: stallLimit, rc: rc}
	if c, ok := request.Value(clientKey{}).(*client); ok {
		s.limit = c.server.times.stall
	}
	return s
}

// begin is called before a write, and pause behind it.
func (s *stall) begin() {
	switch {
	case s == nil:
	case s.timer == nil:
		s.timer = time.AfterFunc(s.limit, s.run)
	default:
		s.timer.Reset(s.limit)
	}
}

func (s *stall) pause() {
	if s != nil {
		s.timer.Stop()
	}
}

// run ends the stream, and with it the write.
func (s *stall) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rc != nil {
		_ = s.rc.SetWriteDeadline(past) // fails only where nobody waits: in tests
	}
}

// end gives what is still buffered its time.
func (s *stall) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.limit)) // likewise
	s.rc = nil
}
