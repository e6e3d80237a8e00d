package supervise

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// knowsProcesses says that processes returns what there is.
const knowsProcesses = true

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// processes returns all processes that we may see; none where there is no /proc.
func processes() (all []process) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(0)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, ok := readProcess(pid); ok {
				all = append(all, p)
			}
		}
	}
	return all
}

// readProcess reads what proc_pid_stat(5) tells.
func readProcess(pid int) (p process, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	// The name, in brackets, may have blanks and brackets in it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if err != nil || len(fields) < 20 {
		return p, false
	}
	p = process{pid: pid, zombie: fields[0] == "Z" || fields[0] == "X"}
	p.parent, _ = strconv.Atoi(fields[1])
	p.group, _ = strconv.Atoi(fields[2])
	p.start, _ = strconv.ParseUint(fields[19], 10, 64)
	return p, true
}

// signal sends it, unless the process has ended and another has its number.
func (p process) signal(sig syscall.Signal) {
	found, err := os.FindProcess(p.pid) // holds it fast, by a pidfd
	if err != nil {
		return
	}
	defer found.Release()
	if now, ok := readProcess(p.pid); ok && now.start == p.start {
		found.Signal(sig)
	}
}
