package supervise

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is an app's process, which may be started many times, but be run by [Process.Run]
// or [Process.RunOnce] only once. Create it with [New]. Safe for concurrent use.
type Process struct {
	cfg    Config
	pauses pauses
	quiet  time.Duration
	board  *board
	again  chan struct{} // has room for one: Restart was called
	over   chan struct{} // closed when Run has returned

	mu    sync.Mutex
	begun bool
	now   *running // nil where there is none
}

// New returns a process that does not run yet. Its errors tell what is wrong with the
// Config; whether the command can be found is seen when it is started.
func New(cfg Config) (*Process, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Process{cfg: cfg.withDefaults(), pauses: defaultPauses, quiet: quiet, board: newBoard(), again: make(chan struct{}, 1), over: make(chan struct{})}, nil
}

var errBegun = errors.New("supervise: the process has been run already; make another with New")

// Run keeps the process running until ctx ends, and returns nil when it and all of its
// group have ended. Whenever it ends by itself, with whatever code, it is started
// again: after half a second, then after twice as long each time, up to ten seconds;
// after half a minute of running this begins anew. Run returns an error if the command
// cannot be found or is not executable at the first start.
func (p *Process) Run(ctx context.Context) error {
	if !p.begin() {
		return errBegun
	}
	defer p.finish()
	for pause := time.Duration(0); ctx.Err() == nil; {
		exit := p.once(ctx)
		if now, _ := p.Status(); now.Starts == 1 && hopeless(exit.Err) {
			return exit.Err
		}
		if exit.Asked {
			pause = 0
			continue
		}
		pause = p.pauses.next(pause, exit.Ended.Sub(exit.Started))
		p.crashed(exit, pause)
		p.rest(ctx, exit.Ended.Add(pause))
	}
	return nil
}

// RunOnce runs the process until it ends or ctx does, and tells how it ended, when all
// of its group has. The error is that of a start that failed; [Exit.Code] is of use
// then, too. [Process.Restart] ends it.
func (p *Process) RunOnce(ctx context.Context) (Exit, error) {
	if !p.begin() {
		return Exit{}, errBegun
	}
	defer p.finish()
	exit := p.once(ctx)
	return exit, exit.Err
}

// begin reports whether this is the first time.
func (p *Process) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.begun
	p.begun = true
	return first
}

func (p *Process) finish() {
	p.board.update(func(s *Status) { s.State, s.PID = Stopped, 0 })
	close(p.over)
}

func hopeless(err error) bool {
	var broken *commandError
	return errors.As(err, &broken)
}

func (p *Process) crashed(exit Exit, pause time.Duration) {
	p.board.update(func(s *Status) { s.State, s.Next = Crashed, exit.Ended.Add(pause) })
}

// rest waits until it is time, or somebody has asked to start again, or ctx ends.
func (p *Process) rest(ctx context.Context, until time.Time) {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.again:
	case <-ctx.Done():
	}
}

// once starts the process and returns when it and what it has started have ended.
func (p *Process) once(ctx context.Context) Exit {
	// The kernel kills a process when the thread that started it ends (prctl(2),
	// PR_SET_PDEATHSIG). Threads of Go end when they please; this one is kept for as
	// long as the process runs.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.board.update(func(s *Status) { s.State = Starting; s.Starts++ })
	r, err := p.start(ctx)
	if err != nil {
		return p.tell(failed(err))
	}
	p.board.update(func(s *Status) { s.PID = r.pid() })
	asked := p.await(ctx, r)
	p.board.update(func(s *Status) {
		if s.State = Stopping; !asked {
			s.PID = 0
		}
	})
	exit := r.end(p.cfg.Signal, p.cfg.Grace)
	exit.Asked = asked
	p.set(nil)
	return p.tell(exit)
}

func (p *Process) start(ctx context.Context) (*running, error) {
	if err := p.cfg.portIsFree(ctx); err != nil {
		return nil, err
	}
	r, err := start(p.cfg)
	if err != nil {
		return nil, err
	}
	p.set(r)
	return r, nil
}

// await returns when the process has ended, or shall end: that was asked for then.
func (p *Process) await(ctx context.Context, r *running) (asked bool) {
	watching, enough := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { p.watchPort(watching, r) })
	defer watch.Wait()
	defer enough()
	select {
	case <-r.exited:
		return false
	case <-p.again:
	case <-ctx.Done():
	}
	return true
}

// tell makes known how a run ended.
func (p *Process) tell(exit Exit) Exit {
	p.board.update(func(s *Status) { s.Last, s.PID = exit, 0 })
	p.cfg.OnExit(exit)
	return exit
}

func (p *Process) set(r *running) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = r
}

func (p *Process) running() *running {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// Restart stops the process as at the end of Run and starts it again at once. Where it
// has crashed, it is started without waiting any longer.
func (p *Process) Restart() {
	select {
	case p.again <- struct{}{}:
	default: // it will be
	}
}

// Signal sends a signal to the process alone, not to its group: what an app means by
// SIGUSR1, say, ends those of its children that know nothing of it. The error is
// [os.ErrProcessDone] where nothing runs.
func (p *Process) Signal(sig syscall.Signal) error {
	if r := p.running(); r != nil {
		return r.cmd.Process.Signal(sig)
	}
	return os.ErrProcessDone
}

// Kill ends the process and its group at once, as a machine that dies does. Run takes
// that for a crash, unless its ctx has ended before.
func (p *Process) Kill() {
	if r := p.running(); r != nil {
		r.kill()
	}
}
