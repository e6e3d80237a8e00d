package sidecar

import (
	"context"
	"os"

	"homing/supervise"
)

// child is the app's process, run once. A nil *child never ends.
type child struct {
	stop   context.CancelFunc
	over   chan struct{} // closed when it has ended
	exit   supervise.Exit
	unpass func()
}

func startChild(p *supervise.Process) *child {
	life, stop := context.WithCancel(context.Background())
	c := &child{stop: stop, over: make(chan struct{}), unpass: p.Pass()}
	if os.Getpid() == 1 {
		go supervise.Reap(life)
	}
	go func() {
		defer close(c.over)
		c.exit, _ = p.RunOnce(life) // the error is in the Exit
	}()
	return c
}

func (c *child) ended() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.over
}

// end tells it to end, waits for that, and returns how it was.
func (c *child) end() supervise.Exit {
	if c == nil {
		return supervise.Exit{}
	}
	c.stop()
	<-c.over
	c.unpass()
	return c.exit
}
