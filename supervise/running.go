package supervise

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// running is one run of a process, from its start to its end.
type running struct {
	cmd     *exec.Cmd
	group   *group
	output  output
	started time.Time
	exited  chan struct{} // closed when the process itself has ended
	killed  atomic.Bool
}

// start must be called by a goroutine that stays on its thread until the end.
func start(cfg Config) (*running, error) {
	cmd, err := cfg.command()
	if err != nil {
		return nil, err
	}
	r := &running{cmd: cmd, started: time.Now(), exited: make(chan struct{})}
	theirs, err := r.output.open(cfg.Output)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = theirs[0], theirs[1]
	r.group, err = newGroup(cmd)
	if err == nil {
		err = cmd.Start()
	}
	theirs[0].Close()
	theirs[1].Close()
	if err != nil {
		r.group.end()
		r.output.close()
		return nil, notStarted(cmd.Args[0], err)
	}
	r.group.of(cmd.Process)
	go func() {
		defer close(r.exited)
		cmd.Wait() // how it ended stands in ProcessState
	}()
	return r, nil
}

func (r *running) pid() int { return r.cmd.Process.Pid }

const (
	// lateOutput is how long what has survived its group may still say something.
	lateOutput = 100 * time.Millisecond
	// lateEnd is how long the kernel may take to end what was killed.
	lateEnd = 10 * time.Second
)

// end sends sig to the process, and when that has ended to what is left of its group:
// who started others tells them himself, and must not be told twice. It kills what is
// left when the grace period is over, and returns when nothing is.
func (r *running) end(sig syscall.Signal, grace time.Duration) Exit {
	r.group.ask(sig)
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	select {
	case <-r.exited:
		r.group.askRest(sig)
		r.group.empty(ctx, r.output.ended)
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		r.kill()
	}
	r.group.end()
	late := time.NewTimer(lateEnd)
	defer late.Stop()
	select {
	case <-r.exited:
	case <-late.C:
	}
	r.output.endWithin(lateOutput)
	return r.exit()
}

func (r *running) kill() {
	r.killed.Store(true)
	r.group.kill()
}

// exit tells how it ended, or that it did not, as what runs as another user.
func (r *running) exit() Exit {
	e := Exit{Started: r.started, Ended: time.Now(), PID: r.pid(), Killed: r.killed.Load(), Last: r.output.queue.lastLines()}
	select {
	case <-r.exited:
		e.endedAs(r.cmd.ProcessState)
	default:
		e.Code = 1
		e.Err = fmt.Errorf("supervise: process %d could not be ended; end it yourself, if it is another user's", r.pid())
	}
	return e
}

// output is what carries lines from a process to who reads them.
type output struct {
	ours      []*os.File // the ends that we read
	queue     *queue
	ended     chan struct{} // closed when nobody has the other ends any more
	delivered chan struct{} // closed when the last line has been handed on
}

// open returns the ends that are for the process: stdout, stderr.
func (o *output) open(to func(Line)) (theirs []*os.File, err error) {
	for range 2 {
		r, w, err := os.Pipe()
		if err != nil {
			o.closeOurs()
			for _, f := range theirs {
				f.Close()
			}
			return nil, err
		}
		o.ours, theirs = append(o.ours, r), append(theirs, w)
	}
	o.queue, o.ended, o.delivered = newQueue(), make(chan struct{}), make(chan struct{})
	var reading sync.WaitGroup
	for i, stream := range []Stream{Stdout, Stderr} {
		reading.Go(func() { lines(o.ours[i], stream, o.queue.put) })
	}
	go func() {
		reading.Wait()
		o.queue.close()
		close(o.ended)
	}()
	go func() {
		defer close(o.delivered)
		o.queue.deliver(to)
	}()
	return theirs, nil
}

func (o *output) closeOurs() {
	for _, f := range o.ours {
		f.Close()
	}
}

// close gives up what is not read yet, and returns when all else is handed on.
func (o *output) close() {
	o.closeOurs()
	<-o.delivered
}

// endWithin waits so long for the other ends to be closed.
func (o *output) endWithin(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-o.ended:
	case <-t.C: // something that has left the group holds them
	}
	o.close()
}
