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
	addr    string
	program *supervise.Process
	stop    context.CancelFunc // tells it to end, without waiting

	mu   sync.Mutex
	said strings.Builder
}

// start starts a program in the example's folder, which is to listen at PORT; up tells
// when it does.
func (e *example) start(t *testing.T, args []string, env ...string) *process {
	t.Helper()
	port := freePort(t)
	p := &process{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	p.program = p.make(t, supervise.Config{Args: args, Dir: e.dir, Env: e.environ(env...), Port: port})
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.program.Run(ctx) }()
	t.Cleanup(func() {
		p.stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if now, _ := p.program.Status(); now.Starts != 1 || now.Last.Killed {
			t.Errorf("%s was started %d times, and in the end: %v", e.name, now.Starts, now.Last)
		}
		if t.Failed() {
			t.Logf("%s at %s said:\n%s", e.name, p.addr, p.heard())
		}
	})
	return p
}

func freePort(t *testing.T) uint16 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

func (p *process) make(t *testing.T, cfg supervise.Config) *supervise.Process {
	t.Helper()
	cfg.Output = p.hear
	program, err := supervise.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// up waits until the program listens, and returns it.
func (p *process) up(t *testing.T) *process {
	t.Helper()
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := p.program.Up(patience); err != nil {
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

// runOnce runs a program to its end, which must be a good one.
func (e *example) runOnce(t *testing.T, args []string, env ...string) {
	t.Helper()
	p := new(process)
	program := p.make(t, supervise.Config{Args: args, Dir: e.dir, Env: e.environ(env...)})
	if exit, err := program.RunOnce(t.Context()); err != nil || exit.Code != 0 {
		t.Fatalf("%s: %v %v\n%s", strings.Join(args, " "), exit, err, p.heard())
	}
}
