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
	cfg     supervise.Config
	addr    string
	program *supervise.Process
	stop    context.CancelFunc // tells it to end, without waiting
	ended   chan error         // what Run returned

	mu   sync.Mutex
	said strings.Builder
}

// start starts a program in the example's folder, which is to listen at PORT; up tells
// when it does.
func (e *example) start(t *testing.T, args []string, env ...string) *process {
	t.Helper()
	p := &process{cfg: supervise.Config{Args: args, Dir: e.dir, Env: e.environ(env...)}}
	p.launch(t)
	t.Cleanup(func() {
		p.end(t)
		if now, _ := p.program.Status(); now.Starts != 1 || now.Last.Killed {
			t.Errorf("%s was started %d times, and in the end: %v", e.name, now.Starts, now.Last)
		}
		if t.Failed() {
			t.Logf("%s at %s said:\n%s", e.name, p.addr, p.heard())
		}
	})
	return p
}

func (p *process) launch(t *testing.T) {
	t.Helper()
	p.cfg.Port = freePort(t)
	p.addr = fmt.Sprintf("127.0.0.1:%d", p.cfg.Port)
	p.program = p.make(t, p.cfg)
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.ended = stop, make(chan error, 1)
	go func() { p.ended <- p.program.Run(ctx) }()
}

func (p *process) end(t *testing.T) {
	p.stop()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
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

// up waits until the program listens, and returns it. A port that somebody else was
// given meanwhile is exchanged for another.
func (p *process) up(t *testing.T) *process {
	t.Helper()
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := p.program.Up(patience)
		if err == nil {
			return p
		}
		if patience.Err() != nil || !strings.Contains(strings.ToLower(err.Error()+p.heard()), "in use") {
			t.Fatal(err)
		}
		p.end(t)
		p.launch(t)
	}
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
