//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is the processor's time that a process has had.
type usage struct{ user, system time.Duration }

func (u usage) since(before usage) usage {
	return usage{u.user - before.user, u.system - before.system}
}

func (u usage) total() time.Duration { return u.user + u.system }

// stat is what /proc says of a process.
type stat struct {
	group int
	used  usage
	rss   int64 // bytes
}

// tick is the unit of times in /proc, which Linux holds at 1/100 s for everybody.
const tick = 10 * time.Millisecond

// parseStat reads the text of /proc/PID/stat. The name, in brackets, may hold
// anything; see proc_pid_stat(5) for the numbers.
func parseStat(text string) (stat, error) {
	at := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[at+1:])
	if at < 0 || len(fields) < 22 {
		return stat{}, fmt.Errorf("a line of /proc that is not understood: %q", text)
	}
	var numbers [22]int64
	for i, f := range fields[1:22] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil && i < 13 {
			return stat{}, fmt.Errorf("a line of /proc that is not understood: %w", err)
		}
		numbers[i+1] = n
	}
	return stat{
		group: int(numbers[2]),
		used:  usage{time.Duration(numbers[11]) * tick, time.Duration(numbers[12]) * tick},
		rss:   numbers[21] * int64(os.Getpagesize()),
	}, nil
}

// members returns the processes of p's group.
func (p *process) members() []int {
	var pids []int
	entries, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, entry := range entries {
		text, err := os.ReadFile(entry)
		if err != nil {
			continue // it has ended meanwhile
		}
		s, err := parseStat(string(text))
		if err != nil || s.group != p.cmd.Process.Pid {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(entry)))
		pids = append(pids, pid)
	}
	return pids
}

// measure returns what these processes have used and hold.
func measure(pids []int) (used usage, rss int64, err error) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return used, rss, err
		}
		s, err := parseStat(string(text))
		if err != nil {
			return used, rss, err
		}
		used.user += s.used.user
		used.system += s.used.system
		rss += s.rss
	}
	return used, rss, nil
}

// descriptors counts the open files of these processes.
func descriptors(pids []int) int {
	n := 0
	for _, pid := range pids {
		entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		n += len(entries)
	}
	return n
}

// files returns how many open files a process may have at most, up to what all
// scenarios need.
func files() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return min(limit.Max, 16<<10)
}
