//go:build unix

package supervise

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// group is the process group of a running app.
type group struct {
	// The keeper leads the group, so that its number is not given to another before
	// the keeper has been waited for. nil: the process leads the group itself.
	keeper *exec.Cmd
	alive  *os.File // the keeper reads from the other end

	mu      sync.Mutex
	id      int
	process *os.Process // the app's
	strays  []process   // what the process has started, in other groups
	ended   bool
}

// keep waits for the end of the program that started it, and ends its own group. It
// must outlive what is sent to the group.
const keep = `trap '' HUP INT QUIT ALRM TERM USR1 USR2 PIPE TSTP TTIN TTOU VTALRM PROF XCPU XFSZ; read x; kill -KILL 0`

// newGroup has cmd start in a group of its own.
func newGroup(cmd *exec.Cmd) (*group, error) {
	g := &group{}
	cmd.SysProcAttr = attributes()
	cmd.SysProcAttr.Setpgid = true
	if sh, err := exec.LookPath("sh"); err == nil && os.Getpid() != 1 {
		if err := g.startKeeper(sh); err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Pgid = g.id
	}
	return g, nil
}

func (g *group) startKeeper(sh string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	k := exec.Command(sh, "-c", keep, "homing-keeper")
	k.Stdin = r
	k.Dir = "/" // not to hold a folder that somebody may want to remove
	k.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := k.Start(); err != nil {
		w.Close()
		return err
	}
	g.id, g.keeper, g.alive = k.Process.Pid, k, w
	return nil
}

// of tells the group of the process that was started in it.
func (g *group) of(process *os.Process) {
	g.process = process
	if g.keeper == nil {
		g.id = process.Pid
	}
}

// ask tells the process alone, as the first one of a container is told: it tells others
// itself. A terminal's Ctrl-C comes to all of a group, and some leave that to it, such as
// "go run"; so SIGINT goes to all that are in the group.
func (g *group) ask(sig syscall.Signal) {
	g.among(func() {
		if sig == syscall.SIGINT {
			g.send(sig)
		} else if g.process != nil {
			g.process.Signal(sig)
		}
	})
}

// askRest tells those that are left when the process has ended, and were not told by ask.
func (g *group) askRest(sig syscall.Signal) {
	g.among(func() {
		if sig != syscall.SIGINT {
			g.send(sig)
		}
		g.sendStrays(sig)
	})
}

// kill ends all, also what has left the group and still has its parents.
func (g *group) kill() {
	g.among(func() {
		g.send(syscall.SIGKILL)
		g.sendStrays(syscall.SIGKILL)
	})
}

// among calls f with mu held, knowing the strays, unless the group has ended: its number
// may be another's then.
func (g *group) among(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ended {
		g.findStrays()
		f()
	}
}

// send sends a signal to the group; mu is held.
func (g *group) send(sig syscall.Signal) {
	if g.keeper != nil || g.members() > 0 {
		syscall.Kill(-g.id, sig) // fails only if nobody is there, or is another user's
	} else if g.process != nil {
		g.process.Signal(sig)
	}
}

func (g *group) sendStrays(sig syscall.Signal) {
	for _, p := range g.strays {
		p.signal(sig)
	}
}

// findStrays adds those that can be found now; mu is held. Later their parents may have
// ended, and nothing would tell whose they are.
func (g *group) findStrays() {
	if g.process == nil {
		return
	}
	for _, p := range descendants(processes(), g.process.Pid) {
		if p.group != g.id && !p.isOneOf(g.strays) {
			g.strays = append(g.strays, p)
		}
	}
}

// members returns how many live processes are left, without the keeper; mu is held.
func (g *group) members() int {
	n := 0
	for _, p := range processes() {
		keeper := g.keeper != nil && g.keeper.Process.Pid == p.pid
		if !p.zombie && !keeper && (p.group == g.id || p.isOneOf(g.strays)) {
			n++
		}
	}
	return n
}

// empty waits until nothing is left, or ctx ends. Where it cannot be known what is
// left, it waits until nobody has the output any more.
func (g *group) empty(ctx context.Context, silent <-chan struct{}) {
	if !knowsProcesses {
		select {
		case <-silent:
		case <-ctx.Done():
		}
		return
	}
	left := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.members() > 0
	}
	for wait := time.Millisecond; left() && pause(ctx, wait); wait = min(2*wait, longWait) {
	}
}

// end kills what is left, and the keeper.
func (g *group) end() {
	if g == nil {
		return
	}
	g.kill()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended = true; g.keeper != nil {
		g.keeper.Wait() // it was killed with the group
		g.alive.Close()
	}
}
