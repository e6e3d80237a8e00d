package edge_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"homing/edge"
)

// stuckLog is a log that takes nothing until it is let go.
type stuckLog struct {
	met, free chan struct{}
	once      sync.Once

	mu    sync.Mutex
	lines []string
}

func (l *stuckLog) Write(p []byte) (int, error) {
	l.once.Do(func() { close(l.met) })
	<-l.free
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

// TestALogThatTakesNothing holds up no request, and hears later what it has missed. What
// waits for it meanwhile is bounded, however long the requests' paths are.
func TestALogThatTakesNothing(t *testing.T) {
	log := &stuckLog{met: make(chan struct{}), free: make(chan struct{})}
	w := newWorld(t, func(c *edge.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, serving(t, "near", "ams", hello))
	const requests, path = 200, 60_000
	do := func() {
		if a := w.do("GET", "/"+strings.Repeat("x", path), ""); a.status != 200 {
			t.Fatalf("got %d", a.status)
		}
	}
	do()
	<-log.met
	for range requests - 1 {
		do()
	}
	w.eventually("all have ended", func() bool { return len(w.records) == requests })
	close(log.free)
	w.edge.AwaitLog()
	log.mu.Lock()
	defer log.mu.Unlock()
	kept, missing := 0, ""
	for _, line := range log.lines {
		if _, count, ok := strings.Cut(line, "requests="); ok {
			missing = strings.TrimSpace(count)
		} else if strings.Contains(line, "msg=request ") {
			kept++
		}
	}
	// The first, which was being written, and 4 MiB of the others.
	if kept != 70 || missing != "130" {
		t.Errorf("%d of %d requests were logged, and %q are said to be missing", kept, requests, missing)
	}
}
