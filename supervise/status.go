package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// State is what a process is about.
type State int

const (
	Stopped  State = iota // Run has not been called, or has returned
	Starting              // it runs, and its port does not accept connections yet
	Up                    // its port has accepted one; it is not asked again
	Crashed               // it has ended, or could not start; it will be tried again
	Stopping              // it has been told to end
)

func (s State) String() string {
	if s < Stopped || s > Stopping {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return [...]string{"stopped", "starting", "up", "crashed", "stopping"}[s]
}

// Status is how a process is at one moment.
type Status struct {
	State  State
	Since  time.Time // of the state; zero before the first Run
	PID    int       // 0 where there is no process
	Starts int       // how often it has been started, or tried to
	Last   Exit      // how it ended the last time
	Next   time.Time // when Crashed: when it will be started again
	// Problem says, when Starting, why this may go on for ever: the app listens on
	// another port, or on none. Empty: nothing is wrong yet.
	Problem string
}

// board shows the status to whoever wants to see it.
type board struct {
	mu      sync.Mutex
	now     Status
	changed chan struct{} // closed at the next change
}

func newBoard() *board { return &board{changed: make(chan struct{})} }

func (b *board) read() (Status, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now, b.changed
}

// update changes the status; a new state begins now.
func (b *board) update(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.now.State
	change(&b.now)
	if b.now.State != before || b.now.Since.IsZero() {
		b.now.Since = time.Now()
	}
	if b.now.State != Starting {
		b.now.Problem = ""
	}
	if b.now.State != Crashed {
		b.now.Next = time.Time{}
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// Status returns how the process is, and a channel that is closed when that has
// changed. Changes in quick succession may be seen as one.
func (p *Process) Status() (now Status, changed <-chan struct{}) { return p.board.read() }

// Up waits until the process is up. It returns an error when a run ends before that,
// an [*ExitError], although Run will try again; when Run returns; and when ctx ends,
// then with what seems to be wrong. It may be called before Run.
func (p *Process) Up(ctx context.Context) error {
	before, _ := p.Status()
	for {
		now, changed := p.Status()
		switch {
		case now.State == Up:
			return nil
		case now.State == Crashed, now.Last.Ended != before.Last.Ended && !now.Last.Asked:
			return &ExitError{now.Last}
		}
		select {
		case <-changed:
		case <-p.over:
			return p.neverUp()
		case <-ctx.Done():
			return p.notUp(ctx)
		}
	}
}

// neverUp is Up's error when Run has returned.
func (p *Process) neverUp() error {
	if now, _ := p.Status(); now.Last.Err != nil {
		return &ExitError{now.Last}
	}
	return errors.New("supervise: the app has been stopped")
}

func (p *Process) notUp(ctx context.Context) error {
	problem := p.cfg.problem(p.running())
	if now, _ := p.Status(); now.State != Starting || problem == "" {
		return fmt.Errorf("supervise: the app is not up: %w", ctx.Err())
	}
	return fmt.Errorf("supervise: the app is not up: %s: %w", problem, ctx.Err())
}
