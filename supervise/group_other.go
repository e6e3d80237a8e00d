//go:build !unix

package supervise

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

// group is the process alone, where systems know no groups of processes.
type group struct{ process *os.Process }

func newGroup(*exec.Cmd) (*group, error) { return &group{}, nil }

func (g *group) of(process *os.Process) { g.process = process }

func (g *group) ask(syscall.Signal) { g.kill() } // no other signal is known

func (g *group) askRest(syscall.Signal) {}

func (g *group) kill() {
	if g.process != nil {
		g.process.Kill()
	}
}

func (g *group) empty(context.Context, <-chan struct{}) {}

func (g *group) end() {
	if g != nil {
		g.kill()
	}
}
