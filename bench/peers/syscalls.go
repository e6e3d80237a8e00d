//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// countCalls runs a program and returns what it wrote, and how many system calls
// these processes made meanwhile: -1 where neither perf nor strace may count them.
// perf does so at no cost that would be seen; strace slows each call down, so that
// each finds more to do.
func countCalls(ctx context.Context, dir string, pids []int, argv []string) (said string, calls int, err error) {
	report := filepath.Join(dir, "calls")
	defer os.Remove(report)
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(pids), " ", ","), "[]")
	for _, count := range []func(context.Context, string, string, []string) (string, int, error){perf, strace} {
		if said, calls, err = count(ctx, report, list, argv); err == nil || ctx.Err() != nil {
			return said, calls, err
		}
	}
	said, err = output(ctx, argv...)
	return said, -1, err
}

func perf(ctx context.Context, report, pids string, argv []string) (said string, calls int, err error) {
	said, err = output(ctx, append([]string{"perf", "stat", "-x;", "-o", report, "-e", "raw_syscalls:sys_enter", "-p", pids, "--"}, argv...)...)
	if err != nil {
		return "", 0, err
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return "", 0, err
	}
	calls, err = parsePerf(string(text))
	return said, calls, err
}

func strace(ctx context.Context, report, pids string, argv []string) (said string, calls int, err error) {
	counter, err := start("strace", loadCore, filepath.Dir(report), "strace", "-c", "-f", "-o", report, "-p", pids)
	if err != nil {
		return "", 0, err
	}
	defer counter.stop()
	if err := counter.until(ctx, func() bool { return counter.wrote("attached") }); err != nil {
		return "", 0, err
	}
	said, err = output(ctx, argv...)
	if err != nil {
		return "", 0, err
	}
	_ = syscall.Kill(counter.cmd.Process.Pid, syscall.SIGINT)
	<-counter.ended // it writes its report at its end
	text, err := os.ReadFile(report)
	if err != nil {
		return "", 0, err
	}
	calls, err = parseStrace(string(text))
	return said, calls, err
}

var perfCount = regexp.MustCompile(`(?m)^(\d+);[^;]*;raw_syscalls:sys_enter;`)

// parsePerf reads the count from what perf stat -x';' writes.
func parsePerf(text string) (int, error) {
	m := perfCount.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("perf counted no system calls: %q", text)
	}
	return strconv.Atoi(m[1])
}

// parseStrace reads the sum from what strace -c writes: a table whose columns may be
// empty, so that a number is told by where it ends.
func parseStrace(text string) (int, error) {
	var end int
	for line := range strings.Lines(text) {
		if at := strings.Index(line, " calls "); at >= 0 {
			end = at + len(" calls")
		}
		if strings.HasSuffix(line, " total\n") && 0 < end && end < len(line) {
			fields := strings.Fields(line[:end])
			return strconv.Atoi(fields[len(fields)-1])
		}
	}
	return 0, fmt.Errorf("strace counted no system calls: %q", text)
}
