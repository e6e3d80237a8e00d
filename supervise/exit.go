package supervise

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Exit tells of one run of the process, from its start to its end. The zero value
// means that none has ended.
type Exit struct {
	Started, Ended time.Time
	PID            int // 0: it could not be started
	// Code is the exit code, or 128 and the number of the signal that ended it, as
	// shells have it. 126 and 127 are also for programs that could not be started.
	Code   int
	Signal syscall.Signal // what ended it; 0: it ended by itself
	Asked  bool           // it was stopped or restarted, and did not crash
	Killed bool           // the grace period was over, or Kill was called
	Err    error          // why it could not be started, or ended
	Last   []string       // the last lines of its output, at most 20, with their colours
}

// String says in one line how it ended, without a dot at the end.
func (e Exit) String() string {
	if e.Err != nil {
		return strings.TrimPrefix(e.Err.Error(), prefix)
	}
	how := fmt.Sprintf("exit code %d", e.Code)
	if e.Signal != 0 {
		how = fmt.Sprintf("ended by a signal (%s)", e.Signal)
	}
	how += " after " + e.Ended.Sub(e.Started).Round(time.Millisecond).String()
	if last := lastWords(e.Last); last != "" {
		how += ": " + last
	}
	return how
}

const prefix = "supervise: "

var colour = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// lastWords is the last line that says something, without colours and cut short.
func lastWords(lines []string) string {
	const most = 300
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(colour.ReplaceAllString(lines[i], ""))
		if len(line) > most {
			line = strings.ToValidUTF8(line[:most], "") + "…"
		}
		if line != "" {
			return line
		}
	}
	return ""
}

// ExitError is the error of [Process.Up] when the process ends instead of coming up.
type ExitError struct{ Exit Exit }

func (e *ExitError) Error() string {
	if e.Exit.Err != nil {
		return prefix + e.Exit.String()
	}
	return prefix + "the app ended: " + e.Exit.String()
}

func (e *ExitError) Unwrap() error { return e.Exit.Err }

// failed tells of a start that failed.
func failed(err error) Exit {
	now, code := time.Now(), 1
	var broken *commandError
	if errors.As(err, &broken) {
		code = cmp.Or(broken.code, code)
	}
	return Exit{Started: now, Ended: now, Code: code, Err: err}
}

// endedAs reads the exit code and the signal.
func (e *Exit) endedAs(state *os.ProcessState) {
	e.Code = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
		e.Code = 128 + int(e.Signal)
	}
}

// commandError says that a command cannot be run as it is.
type commandError struct {
	code int // as a shell would exit
	text string
	err  error
}

func (e *commandError) Error() string { return prefix + e.text }
func (e *commandError) Unwrap() error { return e.err }

func notFound(format string, args ...any) error {
	return &commandError{127, fmt.Sprintf(format, args...), fs.ErrNotExist}
}

func notExecutable(format string, args ...any) error {
	return &commandError{126, fmt.Sprintf(format, args...), fs.ErrPermission}
}
