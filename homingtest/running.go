package homingtest

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"homing/dev"
)

// shownWhenFailed is how many of the last requests a test shows that failed.
const shownWhenFailed = 20

// running is a world's inside, which all views of it share.
type running struct {
	dev      *dev.World
	journeys *journeys
	log      *slog.Logger
	ended    atomic.Bool // the test must not be told of anything any more

	mu   sync.Mutex
	last *Journey // nil: none yet
}

func newRunning(t testing.TB) *running {
	l, level := &lines{to: t.Output()}, slog.LevelInfo
	t.Cleanup(l.end) // after all else: a handler may still be at work, and log
	if _, ok := t.(*testing.B); ok {
		level = slog.LevelWarn // whose log is always shown
	}
	return &running{journeys: newJourneys(), log: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level}))}
}

// end ends the world with its test.
func (r *running) end(t testing.TB) {
	r.ended.Store(true)
	err := r.dev.Close()
	if err != nil {
		t.Errorf("homingtest: end the world: %s", oneLine(err))
	}
	if t.Failed() {
		r.showLast(t)
	}
}

func (r *running) showLast(t testing.TB) {
	records, count, _ := r.dev.Journeys().Since(0)
	if count == 0 {
		return
	}
	text := new(strings.Builder)
	for _, rec := range records {
		text.WriteString("\n  " + newJourney(rec).String())
	}
	t.Logf("homingtest: the last %d of %d requests:%s", len(records), count, text)
}

// lines is the log of a test, until that has ended: to write there later panics.
type lines struct {
	mu    sync.Mutex
	to    io.Writer
	ended bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return len(p), nil
	}
	return l.to.Write(p)
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}
