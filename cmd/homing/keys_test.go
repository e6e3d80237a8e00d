//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a terminal with a shell in it that outlives what it runs: with the leader
// of a session its terminal goes, and how that was left could not be seen.
type terminal struct {
	t      *testing.T
	typed  *os.File // what is written here has been typed
	device *os.File
	before unix.Termios
	screen syncBuffer
	folder string // for what programs leave behind
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	typed, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(typed.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, typed: typed, device: device, folder: t.TempDir()}
	term.before = term.settings()
	return term
}

func (term *terminal) settings() unix.Termios {
	term.t.Helper()
	now, err := unix.IoctlGetTermios(int(term.device.Fd()), unix.TCGETS)
	if err != nil {
		term.t.Fatal(err)
	}
	return *now
}

// asBefore fails the test if the terminal was left otherwise than it was found.
func (term *terminal) asBefore() {
	term.t.Helper()
	if now := term.settings(); now != term.before {
		term.t.Errorf("the terminal was left as %+v, and was %+v", now, term.before)
	}
}

// run has a shell carry out a script, of which "$@" is the program with its arguments,
// until the test ends.
func (term *terminal) run(script string, stdin *os.File, args ...string) {
	term.t.Helper()
	shell := exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	shell.Env = append(os.Environ(), "TMPDIR="+term.folder)
	shell.Stdin, shell.Stdout, shell.Stderr = stdin, term.device, term.device
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1, Pdeathsig: syscall.SIGKILL}
	if err := shell.Start(); err != nil {
		term.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&term.screen, term.typed) // fails when nobody has the terminal any more
	}()
	term.t.Cleanup(func() {
		shell.Process.Kill() // its terminal goes, and with it what else it runs
		shell.Wait()
		term.device.Close()
		<-read
		term.typed.Close()
	})
}

// press types something, and waits until the screen shows want that it has not shown
// before, which is returned with what it stands in.
func (term *terminal) press(keys, want string) string {
	term.t.Helper()
	seen := len(term.screen.String())
	term.write(keys)
	return term.await(seen, want)
}

func (term *terminal) write(keys string) {
	term.t.Helper()
	if _, err := io.WriteString(term.typed, keys); err != nil {
		term.t.Fatal(err)
	}
}

// await waits until the screen matches want after what was seen of it.
func (term *terminal) await(seen int, want string) string {
	term.t.Helper()
	pattern, found := regexp.MustCompile(want), ""
	eventually(term.t, func() bool {
		found = pattern.FindString(term.screen.String()[seen:])
		return found != ""
	}, func() string { return "waiting for " + want + "\n" + term.screen.String() })
	return found
}

// pid of the program, which the scripts below print.
func (term *terminal) pid() int {
	term.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(term.await(0, `pid=\d+\s`), "pid=")))
	if err != nil {
		term.t.Fatal(err)
	}
	return pid
}

// foreground runs the program as a shell does without job control.
const foreground = `trap : INT QUIT
sh -c 'echo pid=$$; exec "$@"' sh "$@"
echo "ended with $?"; read x`

// ready waits until the program runs, and returns the edges by their regions.
func (term *terminal) ready() map[string]string {
	term.t.Helper()
	term.await(0, `Ctrl-C ends it\.`)
	edges := map[string]string{}
	for _, m := range regexp.MustCompile(`http://([a-z]+)\.localhost:(\d+)`).FindAllStringSubmatch(term.screen.String(), -1) {
		edges[m[1]] = "http://127.0.0.1:" + m[2]
	}
	return edges
}

// outside starts an app for a region that says which that is, and returns the flag.
func outside(t *testing.T, region string) string {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, region) }))
	t.Cleanup(app.Close)
	return "--machine=" + region + "=" + app.URL
}

func TestKeys(t *testing.T) {
	bin := build(t)
	args := []string{bin, "dev", "--port", "0", "--distances", "none", "--db", "sqlite", outside(t, "ord"), outside(t, "gru")}
	t.Chdir(t.TempDir())
	t.Run("do what they say", func(t *testing.T) { testKeysAct(t, args) })
	t.Run("leave the terminal as it was", func(t *testing.T) { testKeysEnd(t, args) })
	t.Run("are the demo's, too", func(t *testing.T) {
		term := openTerminal(t)
		term.run(foreground, term.device, bin, "demo", "--port", "0", "--distances", "none")
		term.ready()
		term.press("h", `c  cut `)
		term.press("q", `ended with 0`)
		term.asBefore()
	})
	t.Run("are not there in the background", func(t *testing.T) { testKeysOfAJob(t, args) })
	t.Run("are not read from a pipe", func(t *testing.T) { testKeysFromAPipe(t, args) })
}

func testKeysAct(t *testing.T, args []string) {
	term := openTerminal(t)
	term.run(foreground, term.device, args...)
	edges := term.ready()
	answers := func(region, want string) {
		t.Helper()
		if got := get(edges[region] + "/"); got != "200 "+want {
			t.Errorf("%s answers %q; want %s", region, got, want)
		}
	}
	term.press("h", `(?s)s  stop .*c  cut .*r  hold .*p  promote .*j .*q .*http://127`)
	term.press("j", `No requests yet`)
	answers("gru", "gru")
	eventually(t, func() bool { return strings.Contains(term.press("j", `(?s).*\n`), `GET "/"  gru`) }, term.screen.String)

	term.press("s", `Stop or start which\?   1 stop ord   2 stop gru   Esc none\r\n`)
	term.press("2", `stop gru: done`)
	answers("gru", "ord")
	term.press("s", `1 stop ord   2 start gru `)
	term.press("\x1b", `Nothing was done`)
	term.press("s2", `start gru: done`)
	answers("gru", "gru")
	term.press("s1", `stop ord: done`)
	term.press("c", `1 cut ord   2 cut gru `)
	term.press("2", `cut gru: done`)
	answers("gru", "gru")
	if got := get(edges["ord"] + "/"); strings.HasPrefix(got, "200") {
		t.Errorf("across a cut: %s", got)
	}
	term.press("c2", `reconnect gru: done`)
	answers("ord", "gru")
	term.press("s1", `start ord: done`)
	term.press("r", `Hold or release which\?   1 hold gru `)
	term.press("1", `hold gru: done`)
	term.press("r1", `release gru: done`)
	term.press("p", `There is nothing to promote here`)
	term.press("x", `x is no key here`)
	term.press("pasted: s1q", `nothing was done`)
	term.press("q", `ended with 0`)
	if now := strings.Count(term.screen.String(), "stop ord: done"); now != 1 {
		t.Errorf("ord was stopped %d times", now)
	}
	term.asBefore()
}

func testKeysEnd(t *testing.T, args []string) {
	for name, tc := range map[string]struct {
		key    string
		signal syscall.Signal
		code   int
	}{
		"q":       {key: "q"},
		"Ctrl-C":  {key: "\x03"},
		"SIGTERM": {signal: syscall.SIGTERM},
		"SIGHUP":  {signal: syscall.SIGHUP},
		"Ctrl-\\": {key: "\x1c", code: 2}, // Go's own end, with a dump
	} {
		t.Run(name, func(t *testing.T) {
			term := openTerminal(t)
			term.run(foreground, term.device, args...)
			term.ready()
			term.press("h", `q  quit`) // so it has been taken
			if term.settings() == term.before {
				t.Error("the terminal is as before while keys are read")
			}
			if tc.signal != 0 {
				syscall.Kill(term.pid(), tc.signal)
			}
			term.press(tc.key, fmt.Sprintf(`ended with %d\b`, tc.code))
			term.asBefore()
		})
	}
}

// job starts the program in the background of a shell with job control, and takes it to
// the foreground when a line is typed, twice.
const job = `set -m
"$@" &
echo pid=$!
read line; echo "read $line"; fg
echo stopped; read line; fg
echo "ended with $?"; read line`

func testKeysOfAJob(t *testing.T, args []string) {
	term := openTerminal(t)
	term.run(job, term.device, args...)
	edges, pid := term.ready(), term.pid()
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if stateOf(pid) == "T" {
			t.Fatal("it was stopped")
		}
	}
	if got := get(edges["gru"] + "/"); got != "200 gru" {
		t.Errorf("gru answers %q", got)
	}
	term.asBefore()
	term.press("q\n", `read q`) // by the shell
	eventually(t, func() bool { return term.settings() != term.before }, term.screen.String)
	term.press("h", `q  quit`)
	term.press("\x1a", `stopped`)
	if state := stateOf(pid); state != "T" {
		t.Errorf("after Ctrl-Z it is %s", state)
	}
	term.asBefore()
	term.write("\n")
	eventually(t, func() bool { return term.settings() != term.before }, term.screen.String)
	term.press("h", `q  quit`)
	term.press("q", `ended with 0`)
	term.asBefore()
}

// stateOf is a process's state as proc(5) has it.
func stateOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "gone"
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

func testKeysFromAPipe(t *testing.T, args []string) {
	term := openTerminal(t)
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if _, err := io.WriteString(ours, "q\n"); err != nil {
		t.Fatal(err)
	}
	ours.Close()
	term.run(`"$@"; echo "ended with $?"; exec sleep 100`, theirs, append([]string{"sh", "-c", `echo pid=$$; exec "$@"`, "sh"}, args...)...)
	term.ready()
	if strings.Contains(term.screen.String(), "for keys") {
		t.Error("keys are told of that are not there")
	}
	syscall.Kill(term.pid(), syscall.SIGTERM)
	term.await(0, `ended with 0`)
	if left, err := io.ReadAll(theirs); string(left) != "q\n" {
		t.Errorf("of what was for somebody else %q is left, %v", left, err)
	}
	term.asBefore()
}
