package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// starter starts processes from one thread, which lives until close: the kernel
// ends a process together with the thread that started it, not with the process
// of that thread.
type starter struct {
	jobs chan func()
}

func newStarter() *starter {
	s := &starter{make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the function
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

// close must come after the last process of the starter has ended.
func (s *starter) close() { close(s.jobs) }

// process is a program that runs.
type process struct {
	cmd  *exec.Cmd
	log  *log
	done chan struct{} // closed when it and all its children have ended
}

// command is a program to start. It keeps running, and gets the signal when its
// starter's process ends.
type command struct {
	as      user
	dir     string
	program string
	args    []string
	atEnd   syscall.Signal
}

// start starts a program; what it says goes to log.
func (s *starter) start(c command) (*process, error) {
	p := &process{cmd: exec.Command(c.program, c.args...), log: &log{}, done: make(chan struct{})}
	p.cmd.Dir = c.dir
	p.cmd.Env = environ()
	p.cmd.SysProcAttr = attributes(c.as, c.atEnd)
	// Not a file: so Wait waits until the last child has closed it too.
	p.cmd.Stderr = p.log
	started := make(chan error)
	s.jobs <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("pgtest: starting %s: %w", c.program, err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait() // how it ended stands in the log
	}()
	return p, nil
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ready waits until yes says so, or the process has ended.
func (p *process) ready(ctx context.Context, yes func() bool) error {
	err := poll(ctx, func(context.Context) (bool, error) { return yes() || p.ended(), nil })
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s", err, lastLine(p.log.String()))
	case !p.ended():
		return nil
	case wasTaken(p.log.String()):
		return errTaken
	}
	return errors.New("it ended: " + lastLine(p.log.String()))
}

// stop sends the signal and returns when the process and its children have ended.
func (p *process) stop(ctx context.Context, sig os.Signal) error {
	p.cmd.Process.Signal(sig) // fails only if it has ended
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run runs a program as the user until it ends; its error is one line.
func run(ctx context.Context, as user, dir, stdin string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = environ()
	cmd.SysProcAttr = attributes(as, 0)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgtest: %s: %w: %s", program, err, lastLine(string(out)))
	}
	return nil
}

// environ is ours without what PostgreSQL's programs would obey, and with messages
// in English.
func environ() []string {
	env := []string{"LC_ALL=C"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "LC_ALL=") {
			env = append(env, v)
		}
	}
	return env
}

// log is what a program has said; of very much, the end.
type log struct {
	mu   sync.Mutex
	text []byte
}

const logSize = 256 << 10

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if len(l.text) > 2*logSize {
		l.text = append([]byte(nil), l.text[len(l.text)-logSize:]...)
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// lastLine returns the line of text that says what went wrong: the last with an
// error, else the last that is no hint. PostgreSQL tells of bad settings before the error.
func lastLine(text string) string {
	var last, before string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "contains errors") {
			return before
		}
		if line != "" && !strings.Contains(line, "HINT:") && (isError(line) || !isError(last)) {
			last = line
		}
		before = line
	}
	return last
}

func isError(line string) bool {
	return strings.Contains(line, "FATAL") || strings.Contains(line, "ERROR") || strings.Contains(line, "error:")
}
