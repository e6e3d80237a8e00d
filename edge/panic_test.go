package edge_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"homing/edge"
	"homing/replay"
)

// touchy is a log that panics about a machine's role.
type touchy struct{ slog.Handler }

func (touchy) Enabled(context.Context, slog.Level) bool { return true }

func (touchy) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "a machine's role cannot be read" {
		panic("touchy")
	}
	return nil
}

// TestAPanicEndsTheExchange with the machine, which would go on for nobody.
func TestAPanicEndsTheExchange(t *testing.T) {
	gone := make(chan struct{})
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(replay.RoleHeader, "?")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	w := newWorld(t, func(c *edge.Config) { c.Logger = slog.New(touchy{slog.DiscardHandler}) }, near)
	if got := w.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); got != "" {
		t.Errorf("the client got %q", got)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the machine still has the request")
	}
}
