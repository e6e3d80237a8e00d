//go:build unix

package supervise

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAnAppComesUpAndIsStopped(t *testing.T) {
	cfg := appConfig(t, "listener")
	cfg.Port = freePort(t)
	w := run(t, cfg)
	must(t, w.Up(t.Context()))
	now, _ := w.Status()
	if now.State != Up || now.PID == 0 || now.Starts != 1 || now.Since.IsZero() {
		t.Errorf("its status is %+v", now)
	}
	group := w.group()
	w.stop()
	if err := <-w.ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if e := w.exit(); !e.Asked || e.Signal != syscall.SIGTERM || e.Code != 143 || e.Killed || e.PID != now.PID {
		t.Errorf("it ended as %+v", e)
	}
	if now, _ := w.Status(); now.State != Stopped || now.PID != 0 {
		t.Errorf("its status is %+v", now)
	}
	if err := syscall.Kill(-group, 0); err != syscall.ESRCH {
		t.Errorf("its group is still there: %v", err)
	}
	if err := w.Run(t.Context()); err == nil {
		t.Error("it ran a second time")
	}
}

func TestACrashLoopHasGrowingPauses(t *testing.T) {
	w := run(t, Config{Shell: "echo no database >&2; exit 3"})
	seen := 0
	for now, changed := w.Status(); now.Starts < 7; now, changed = w.Status() {
		if now.State == Crashed {
			seen++
			want := min(time.Millisecond<<(now.Starts-1), 8*time.Millisecond)
			if got := now.Next.Sub(now.Last.Ended); got != want {
				t.Errorf("after crash %d it waits %s, want %s", now.Starts, got, want)
			}
		}
		<-changed
	}
	if seen == 0 {
		t.Error("it was never seen crashed")
	}
	for range 6 {
		if e := w.exit(); e.Code != 3 || e.Asked || !strings.HasSuffix(e.String(), ": no database") {
			t.Errorf("it ended with %s, %+v", e, e)
		}
	}
}

func TestPauses(t *testing.T) {
	const s = time.Second
	for name, tc := range map[string]struct{ last, ran, want time.Duration }{
		"the first":            {0, 0, s / 2},
		"the second":           {s / 2, 0, s},
		"the longest":          {8 * s, 0, 10 * s},
		"no longer":            {10 * s, 29 * s, 10 * s},
		"after a steady while": {10 * s, 30 * s, s / 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defaultPauses.next(tc.last, tc.ran); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestStopping(t *testing.T) {
	for name, tc := range map[string]struct {
		shell  string
		signal syscall.Signal
		grace  time.Duration
		killed bool
		last   string // it says, but for what the shell adds
	}{
		"it drains":                     {shell: `trap 'echo drained; exit 0' TERM; echo ready; while :; do sleep 0.01; done`, last: "drained"},
		"it has a signal of its own":    {shell: `trap 'echo drained; exit 0' INT; echo ready; while :; do sleep 0.01; done`, signal: syscall.SIGINT, last: "drained"},
		"a child of a shell drains":     {shell: `(trap 'sleep 0.05; echo drained; exit' TERM; echo ready; while :; do sleep 0.01; done) & wait`, last: "drained"},
		"a grandchild is deaf":          {shell: `trap 'exit 0' TERM; sh -c "trap '' TERM; echo ready; sleep 1000" & wait`, grace: 20 * time.Millisecond, killed: true, last: "ready"},
		"all are deaf":                  {shell: `trap '' TERM; sleep 1000 & echo ready; sleep 1000`, grace: 20 * time.Millisecond, killed: true, last: "ready"},
		"a child has closed the output": {shell: `sh -c 'trap "" TERM; echo ready; exec >&- 2>&-; sleep 1000' & wait`, grace: 20 * time.Millisecond, killed: knowsProcesses, last: "ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.grace == 0 {
				tc.grace = patience
			}
			w := run(t, Config{Shell: tc.shell, Signal: tc.signal, Grace: tc.grace})
			w.ready()
			group := w.group()
			w.stop()
			e := w.exit()
			if e.Killed != tc.killed || !e.Asked || !slices.Contains(e.Last, tc.last) {
				t.Errorf("it ended with %s, %+v", e, e)
			}
			gone(t, group)
		})
	}
}

// A crash ends the children, too: they would keep the port.
func TestACrashLeavesNoChildren(t *testing.T) {
	w := prepare(t, Config{Shell: `sleep 1000 & echo ready; read never </dev/null; exit 4`})
	e, err := w.RunOnce(t.Context())
	must(t, err)
	if e.Code != 4 || e.Asked || e.Killed {
		t.Errorf("it ended with %s, %+v", e, e)
	}
	if n := len(processesIn(e.PID)); n != 0 {
		t.Errorf("%d children are left", n)
	}
}

// processesIn returns those that have, or had, the process as their parent or leader.
func processesIn(pid int) (left []process) {
	for _, p := range processes() {
		if p.parent == pid || p.group == pid {
			left = append(left, p)
		}
	}
	return left
}

func TestExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		shell  string
		code   int
		signal syscall.Signal
		says   string
	}{
		"it ends well":         {"true", 0, 0, "exit code 0 after "},
		"with a code":          {"exit 7", 7, 0, "exit code 7 after "},
		"by a signal":          {"kill -KILL $$", 137, syscall.SIGKILL, "ended by a signal (killed) after "},
		"sh finds no program":  {"no-such-program || no-such-program", 127, 0, "exit code 127 after "},
		"it says why, in red":  {`printf '\033[31mno such table\033[0m\n\n' >&2; exit 1`, 1, 0, ": no such table"},
		"it leaves a line off": {`printf 'no such'; printf ' table'; exit 1`, 1, 0, ": no such table"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := prepare(t, Config{Shell: tc.shell}).RunOnce(t.Context())
			if err != nil || e.Code != tc.code || e.Signal != tc.signal || !strings.Contains(e.String(), tc.says) {
				t.Errorf("it ended with %s, %+v, %v", e, e, err)
			}
		})
	}
}

func TestRestartAndKill(t *testing.T) {
	w := run(t, Config{Shell: `echo ready; exec sleep 1000`})
	w.ready()
	w.Restart()
	if e := w.exit(); !e.Asked {
		t.Errorf("restarted, it ended as %+v", e)
	}
	w.ready()
	w.until("up", func(s Status) bool { return s.State == Up && s.Starts == 2 })
	w.Kill()
	if e := w.exit(); e.Asked || !e.Killed || e.Signal != syscall.SIGKILL {
		t.Errorf("killed, it ended as %+v", e)
	}
	w.ready() // again
}

func TestRestartEndsAPause(t *testing.T) {
	w := prepare(t, Config{Shell: "exit 1"})
	w.pauses.first = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	go func() { w.ended <- w.Run(ctx) }()
	w.until("crashed", func(s Status) bool { return s.State == Crashed })
	w.Restart()
	w.until("started again", func(s Status) bool { return s.State == Crashed && s.Starts == 2 })
	cancel()
	must(t, <-w.ended)
}

func TestSignalsArePassedOn(t *testing.T) {
	w := run(t, Config{Shell: `trap 'echo got USR1' USR1; trap 'echo got WINCH' WINCH; sh -c 'echo ready; exec sleep 1000' & while :; do sleep 0.01; done`})
	w.ready()
	stop := w.Pass()
	for sig, line := range map[syscall.Signal]string{syscall.SIGUSR1: "got USR1", syscall.SIGWINCH: "got WINCH"} {
		must(t, syscall.Kill(os.Getpid(), sig))
		w.says(line)
	}
	stop()
	w.stop()
	if err := w.Signal(syscall.SIGUSR1); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal to nobody: %v", err)
	}
}

// An app that a program started while it ignored a signal must not inherit that from
// the keeper, which does.
func TestTheKeeperLeavesSignalsToTheApp(t *testing.T) {
	if signal.Ignored(syscall.SIGTERM) {
		t.Skip("SIGTERM is ignored here")
	}
	w := run(t, Config{Shell: `trap 'echo heard' HUP; echo ready; while :; do sleep 0.01; done`, Signal: syscall.SIGHUP, Grace: 50 * time.Millisecond})
	w.ready()
	w.stop()
	w.says("heard")
	if e := w.exit(); !e.Killed {
		t.Errorf("it ended as %+v", e)
	}
}

func TestACommandThatCannotBeRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		must(t, os.WriteFile(dir+"/"+name, []byte(text), mode))
	}
	write("plain", "", 0o644)
	write("empty", "", 0o755)
	write("lost", "#!/no/such/interpreter\n", 0o755)
	for name, tc := range map[string]struct {
		cfg  Config
		code int
		want string
	}{
		"a file that is not there":     {Config{Args: []string{"bin/rials", "server"}}, 127, `supervise: "bin/rials": not found in ` + dir + `; is it spelled`},
		"likewise in shell text":       {Config{Shell: "bin/rials server"}, 127, `supervise: "bin/rials": not found in ` + dir},
		"a program that is not there":  {Config{Args: []string{"rials"}}, 127, `supervise: "rials": not found in PATH; install it`},
		"a PATH of its own":            {Config{Args: []string{"cat"}, Env: []string{"PATH=" + dir}}, 127, `supervise: "cat": not found in PATH`},
		"a file that is no program":    {Config{Shell: "./plain"}, 126, `supervise: "./plain": not executable; chmod +x ./plain`},
		"a folder":                     {Config{Args: []string{dir}}, 126, "is a folder, not a program"},
		"a script without a beginning": {Config{Args: []string{"./empty"}}, 126, `supervise: "./empty": neither a program`},
		"a script without its program": {Config{Args: []string{"./lost"}}, 127, `supervise: "./lost": what should run it is not found`},
		"a folder that is not there":   {Config{Shell: "true", Dir: "/no/such"}, 127, `supervise: the folder "/no/such" to run in does not exist`},
		"a folder that is a file":      {Config{Shell: "true", Dir: dir + "/plain"}, 126, "is a file"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.cfg.Dir == "" {
				tc.cfg.Dir = dir
			}
			w := run(t, tc.cfg)
			err := <-w.ended
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if e := w.exit(); e.Code != tc.code {
				t.Errorf("its code is %d, want %d", e.Code, tc.code)
			}
			if up := w.Up(t.Context()); up == nil || up.Error() != err.Error() {
				t.Errorf("Up returned %v", up)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no command": {}, "blank": {Shell: " \n"}, "two": {Shell: "true", Args: []string{"true"}}, "no name": {Args: []string{"", "x"}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"bin/rails server -p $PORT":     "bin/rails",
		`  node "my app.js" `:           "node",
		"cd web && npm start":           "",
		"cd web":                        "",
		"PORT=1 npm start":              "",
		"exec npm start":                "",
		"exit 3":                        "",
		`"my app" x`:                    "",
		"$APP":                          "",
		"a | b":                         "",
		"a $(b)":                        "",
		"if true\nthen a; fi":           "",
		"npm start > log":               "",
		"":                              "",
		"mix phx.server # not a secret": "",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheShellMakesWay(t *testing.T) {
	for text, want := range map[string]string{"sleep 1": "exec sleep 1", "cd / && sleep 1": "cd / && sleep 1"} {
		if cmd, err := (Config{Shell: text}).withDefaults().command(); err != nil || cmd.Args[2] != want {
			t.Errorf("%q: %v, %v; want %q", text, cmd, err, want)
		}
	}
}

func TestTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	w := prepare(t, Config{Shell: `echo "$PORT $PWD $GREETING $$"`, Dir: dir, Port: freePort(t), Env: []string{"PORT=1", "GREETING=hi", "PATH=" + os.Getenv("PATH")}})
	e, err := w.RunOnce(t.Context())
	must(t, err)
	if want := strings.TrimSuffix(w.cfg.Env[len(w.cfg.Env)-1], "\n")[len("PORT="):] + " " + dir + " hi "; !strings.HasPrefix(e.Last[0], want) {
		t.Errorf("got %q, want %q", e.Last[0], want)
	}
}
