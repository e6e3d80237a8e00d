package languages

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/supervise"
)

// process is an app, or the sidecar around one, that ends with the test.
type process struct {
	addr string

	mu   sync.Mutex
	said strings.Builder
}

// start starts a program in the example's folder, and waits until it listens.
func (e *example) start(t *testing.T, args []string, env ...string) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close() // for the program
	p := &process{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	program, err := supervise.New(supervise.Config{
		Args: args, Dir: e.dir, Env: e.environ(env...), Port: uint16(port), Output: p.hear,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- program.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if now, _ := program.Status(); now.Starts != 1 || now.Last.Killed {
			t.Errorf("%s was started %d times, and in the end: %v", e.name, now.Starts, now.Last)
		}
		if t.Failed() {
			t.Logf("%s at %s said:\n%s", e.name, p.addr, p.heard())
		}
	})
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := program.Up(patience); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) hear(l supervise.Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(&p.said, l.Text)
}

func (p *process) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// migrate runs the release command.
func (e *example) migrate(t *testing.T, env ...string) {
	t.Helper()
	e.runOnce(t, e.release, env...)
}

// runOnce runs a program to its end, which must be a good one.
func (e *example) runOnce(t *testing.T, args []string, env ...string) {
	t.Helper()
	p := new(process)
	program, err := supervise.New(supervise.Config{Args: args, Dir: e.dir, Env: e.environ(env...), Output: p.hear})
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := program.RunOnce(t.Context()); err != nil || exit.Code != 0 {
		t.Fatalf("%s: %v %v\n%s", strings.Join(args, " "), exit, err, p.heard())
	}
}
