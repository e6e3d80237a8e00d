//go:build unix

package supervise

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// as in the environment makes the test binary one of the apps.
const as = "SUPERVISE_AS"

// quickExit keeps the race detector from sleeping for a second at each exit.
const quickExit = "GORACE=atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	if app := apps()[os.Getenv(as)]; app != nil {
		app()
		return
	}
	os.Exit(m.Run())
}

// apps are programs to be supervised, and some that supervise.
func apps() map[string]func() {
	return map[string]func(){
		"listener": func() { listen("127.0.0.1:" + os.Getenv("PORT")) },
		"deaf":     func() { listen("127.0.0.1:0") },
		"elsewhere": func() {
			c := helper("deaf")
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // in another group
			c.Start()
			c.Wait()
		},
		"idle":       func() { time.Sleep(time.Hour) },
		"stray":      stray,
		"supervisor": supervisor,
		"lonely":     lonely,
		"init":       initProcess,
	}
}

// helper is one of the apps as a child of its own.
func helper(app string) *exec.Cmd {
	self, _ := os.Executable()
	c := exec.Command(self)
	c.Env = append(os.Environ(), as+"="+app, quickExit)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c
}

func listen(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening on", l.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := l.Accept()
		if err == nil {
			conn.Close()
		}
	}
}

// appConfig runs one of the apps.
func appConfig(t *testing.T, app string) Config {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	return Config{Args: []string{self}, Env: append(os.Environ(), as+"="+app, quickExit)}
}

// watched is a process that is run, and all that is told of it.
type watched struct {
	*Process
	t     *testing.T
	lines chan string
	exits chan Exit
	stop  func()     // ends Run's ctx
	ended chan error // what Run returned
}

// prepare makes a process that Run will not be kept waiting by.
func prepare(t *testing.T, cfg Config) *watched {
	t.Helper()
	w := &watched{t: t, lines: make(chan string, 1000), exits: make(chan Exit, 1000), ended: make(chan error, 1)}
	cfg.Output = func(l Line) { w.lines <- l.Text }
	cfg.OnExit = func(e Exit) { w.exits <- e }
	p, err := New(cfg)
	must(t, err)
	p.pauses = pauses{time.Millisecond, 8 * time.Millisecond, time.Hour}
	p.quiet = time.Millisecond
	w.Process = p
	return w
}

// run runs a process until the test ends, or stop.
func run(t *testing.T, cfg Config) *watched {
	t.Helper()
	w := prepare(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { w.ended <- w.Run(ctx) })
	w.stop = func() { cancel(); wait.Wait() }
	t.Cleanup(w.stop)
	return w
}

// says waits for a line that begins with text, and returns the rest.
func (w *watched) says(text string) string {
	w.t.Helper()
	for {
		select {
		case line := <-w.lines:
			if rest, ok := strings.CutPrefix(line, text); ok {
				return strings.TrimSpace(rest)
			}
		case <-w.t.Context().Done():
			return ""
		case <-time.After(patience):
			w.t.Fatalf("it did not say %q", text)
		}
	}
}

func (w *watched) exit() Exit {
	w.t.Helper()
	select {
	case e := <-w.exits:
		return e
	case <-time.After(patience):
		w.t.Fatal("it did not end")
		return Exit{}
	}
}

// until waits for a status.
func (w *watched) until(what string, is func(Status) bool) Status {
	w.t.Helper()
	limit := time.After(patience)
	for {
		now, changed := w.Status()
		if is(now) {
			return now
		}
		select {
		case <-changed:
		case <-limit:
			w.t.Fatalf("it was not %s, but %+v", what, now)
		}
	}
}

// ready waits until the app has said so, and is known to run.
func (w *watched) ready() {
	w.t.Helper()
	w.says("ready")
	w.until("up", func(s Status) bool { return s.State == Up })
}

// group is the number of the group that runs.
func (w *watched) group() int { return w.running().group.id }

const patience = 30 * time.Second

// gone fails the test if a group has processes. Dead ones may be there until their new
// parent, which is not ours, has looked.
func gone(t *testing.T, group int) {
	t.Helper()
	if n := liveIn(group); n > 0 {
		t.Errorf("%d processes of group %d are left", n, group)
	}
	if !knowsProcesses {
		eventually(t, "the group is empty", func() bool { return syscall.Kill(-group, 0) != nil })
	}
}

func liveIn(group int) (n int) {
	for _, p := range processes() {
		if p.group == group && !p.zombie {
			n++
		}
	}
	return n
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !is() {
		if !pause(ctx, time.Millisecond) {
			t.Fatalf("in %s it was not so that %s", patience, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}
