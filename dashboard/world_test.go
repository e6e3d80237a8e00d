package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"homing/dashboard"
	"homing/dev"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

var _ dashboard.World = (*dev.World)(nil)

// fakeWorld has a primary in Chicago and a replica in São Paulo, and notes what
// it is asked to do.
type fakeWorld struct {
	log *journey.Log

	mu    sync.Mutex // guards what follows
	gru   dev.Status
	calls []string
	fails error // of Run and Promote
	moves bool  // its primary can move
}

func newWorld() *fakeWorld {
	return &fakeWorld{
		log: journey.NewLog(200),
		gru: dev.Status{
			Region: "gru", Machine: "b0b", EdgeAddr: "127.0.0.1:7602", Distance: 120 * time.Millisecond, Running: true,
			Role: machine.Replica, Position: "000000000000001e", Lag: 60*time.Millisecond + 1500*time.Nanosecond, Bytes: 4096,
			Behind: true, Held: true, Waiting: 2, Problem: "a problem",
		},
	}
}

func (w *fakeWorld) Statuses() []dev.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []dev.Status{
		{Region: "ord", Machine: "a1a", EdgeAddr: "127.0.0.1:7601", Running: true, Role: machine.Primary, Position: "000000000000001f", Primary: true, Bytes: -1},
		w.gru,
	}
}

func (w *fakeWorld) Journeys() *journey.Log { return w.log }

func (w *fakeWorld) Hold(r region.Code, on bool) error {
	if r == "ord" {
		return errors.New("ord has the primary; nothing is replicated to it")
	}
	w.note(fmt.Sprintf("hold %s %t", r, on))
	return nil
}

func (w *fakeWorld) Cut(r region.Code, on bool) error {
	w.note(fmt.Sprintf("cut %s %t", r, on))
	return nil
}

func (w *fakeWorld) Run(ctx context.Context, r region.Code, on bool) error {
	w.note(fmt.Sprintf("run %s %t", r, on))
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return w.fails
}

func (w *fakeWorld) RunMachine(ctx context.Context, r region.Code, id machine.ID, on bool) error {
	w.note(fmt.Sprintf("run %s/%s %t", r, id, on))
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return w.fails
}

func (w *fakeWorld) Promote(ctx context.Context, r region.Code) error {
	w.note(fmt.Sprintf("promote %s", r))
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return w.fails
}

func (w *fakeWorld) CanPromote() bool { return w.moves }

func (w *fakeWorld) note(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
}

func (w *fakeWorld) setWaiting(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gru.Waiting = n
}

// add logs a request from gru for a path.
func (w *fakeWorld) add(path string) {
	w.log.Add(&journey.Record{ID: "id", Edge: "gru", Start: time.Now(), Method: "GET", Path: path, Status: 200})
}

// counted stands for the metrics.
var counted = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "counted 1") })

func newPage(w dashboard.World) http.Handler {
	return dashboard.New(dashboard.Config{World: w, Primary: "ord", App: "guestbook", Metrics: counted})
}
