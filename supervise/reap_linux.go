package supervise

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Reap waits, until ctx ends, for what has ended and has nobody else to wait for it:
// processes that this one did not start, but became the parent of when theirs ended,
// as PID 1 does. Left alone they would stay in the table of processes for ever.
//
// It takes no exit status from package os/exec: what [os.StartProcess] has started is
// known by the pidfd that the os package keeps until it has waited. Kernels before 5.4
// have none, and code in C none at all; so nothing is waited for before it has been
// dead for a second, in which whoever has started it is expected to. A program needs
// one Reap at most.
func Reap(ctx context.Context) { reap(ctx, time.Second) }

func reap(ctx context.Context, patience time.Duration) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	defer signal.Stop(died)
	dead := map[process]time.Time{} // since when they are known to be
	for {
		again := reapOnce(dead, patience)
		select {
		case <-ctx.Done():
			return
		case <-died:
		case <-again:
		}
	}
}

// reapOnce waits for those that have been dead for long enough, and returns what tells
// when to look again; nil if nothing is dead.
func reapOnce(dead map[process]time.Time, patience time.Duration) <-chan time.Time {
	now := time.Now()
	orphans := deadOrphans()
	for p := range dead {
		if !p.isOneOf(orphans) {
			delete(dead, p)
		}
	}
	for _, p := range orphans {
		if since, known := dead[p]; !known {
			dead[p] = now
		} else if now.Sub(since) >= patience {
			syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
			delete(dead, p)
		}
	}
	if len(dead) == 0 {
		return nil
	}
	return time.After(patience)
}

// deadOrphans returns our dead children that the os package does not wait for.
func deadOrphans() (found []process) {
	self := os.Getpid()
	for _, p := range processes() {
		if p.parent == self && p.zombie {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil
	}
	ours := held()
	orphans := found[:0]
	for _, p := range found {
		if !ours[p.pid] {
			orphans = append(orphans, p)
		}
	}
	return orphans
}

// held returns the processes that this one has pidfds of (proc_pid_fdinfo(5)).
func held() map[int]bool {
	pids := map[int]bool{}
	files, _ := filepath.Glob("/proc/self/fdinfo/*")
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may have been closed since
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pid:"); ok {
				if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
					pids[pid] = true
				}
			}
		}
	}
	return pids
}
