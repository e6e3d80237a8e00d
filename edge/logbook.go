package edge

import (
	"context"
	"log/slog"
	"sync"

	"homing/journey"
)

// logbook has a line of the log written for each request, by a goroutine that is there
// while there is something to write. A log that takes nothing, such as a pipe that
// nobody reads, so holds up no request. What it is too slow for is left out, and the
// next line says how much that was. Safe for concurrent use.
type logbook struct {
	logger *slog.Logger

	mu      sync.Mutex
	lines   []*journey.Record // still to be written
	held    int               // bytes of them, about
	left    int               // how many found no room since the last line
	writing chan struct{}     // closed when all is written; nil: it is
}

// mostHeld is for how many bytes of lines there is room.
const mostHeld = 4 << 20

// sizeOf is what keeping a record takes, about.
func sizeOf(rec *journey.Record) int {
	return 512 + len(rec.Method) + len(rec.Host) + len(rec.Path) + len(rec.Problem)
}

// note takes a record, of which it keeps a copy if it is to be logged.
func (b *logbook) note(rec *journey.Record) {
	if !b.logger.Enabled(context.Background(), levelOf(rec)) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	size := sizeOf(rec)
	if b.held+size > mostHeld {
		b.left++
		return
	}
	b.held += size
	b.lines = append(b.lines, rec.Clone())
	if b.writing == nil {
		b.writing = make(chan struct{})
		go b.write()
	}
}

// write writes until nothing is left.
func (b *logbook) write() {
	for {
		b.mu.Lock()
		lines, left := b.lines, b.left
		b.lines, b.left, b.held = nil, 0, 0
		if len(lines) == 0 && left == 0 {
			close(b.writing)
			b.writing = nil
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		for _, rec := range lines {
			b.line(rec)
		}
		if left > 0 {
			b.logger.Warn("requests are missing here: the log takes lines more slowly than they come", "requests", left)
		}
	}
}

// flush waits until all is written, or ctx ends.
func (b *logbook) flush(ctx context.Context) {
	b.mu.Lock()
	writing := b.writing
	b.mu.Unlock()
	if writing == nil {
		return
	}
	select {
	case <-writing:
	case <-ctx.Done():
	}
}

func levelOf(rec *journey.Record) slog.Level {
	if rec.Code != "" {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (b *logbook) line(rec *journey.Record) {
	last := rec.Last()
	b.logger.Log(context.Background(), levelOf(rec), "request",
		"at", rec.Start, "id", rec.ID, "edge", rec.Edge, "method", rec.Method, "path", rec.Path, "status", rec.Status,
		"took", rec.Duration, "hops", len(rec.Hops), "machine", last.Machine, "region", last.Region,
		"cache", rec.Cache, "reason", last.Decision.Reason, "code", rec.Code, "problem", rec.Problem)
}
