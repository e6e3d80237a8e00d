package languages

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// knowsProcesses says that running finds what there is.
const knowsProcesses = true

// apart has a process begin a session, which what it starts is of, and end with us.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// running is a process that has not ended.
type running struct {
	pid, parent, session int
	start                string // tells it from a later one with its number
}

func (r running) String() string {
	words, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.pid), "cmdline"))
	return strconv.Itoa(r.pid) + " " + strings.ReplaceAll(string(words), "\x00", " ")
}

// environ is what it was told when it began.
func (r running) environ() []string {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.pid), "environ"))
	return strings.Split(string(text), "\x00")
}

// allRunning reads what proc_pid_stat(5) tells of each process.
func allRunning() (all []running) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		number, rest, _ := strings.Cut(string(text), " ")
		// The name, in brackets, may have blanks and brackets in it.
		fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
		if fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		r := running{start: fields[19]}
		r.pid, _ = strconv.Atoi(number)
		r.parent, _ = strconv.Atoi(fields[1])
		r.session, _ = strconv.Atoi(fields[3])
		all = append(all, r)
	}
	return all
}

// family is a process that begins a session, and all that it, or one of them, has started.
func family(pid int) (members []running) {
	all := allRunning()
	for grown := true; grown; {
		grown = false
		for _, r := range all {
			related := r.session == pid || slices.ContainsFunc(members, func(m running) bool { return m.pid == r.parent })
			if related && !slices.Contains(members, r) {
				members, grown = append(members, r), true
			}
		}
	}
	return members
}

// survivors are those of a family that have not ended, and whoever came to it since.
func survivors(pid int, of []running) (left []running) {
	for _, r := range allRunning() {
		if r.session == pid || slices.ContainsFunc(of, func(m running) bool { return m.pid == r.pid && m.start == r.start }) {
			left = append(left, r)
		}
	}
	return left
}

func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
