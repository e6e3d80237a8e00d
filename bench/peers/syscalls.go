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
)

// countCalls runs a program and returns what it wrote, and how many system calls
// these processes made meanwhile. perf counts them at no cost that would be seen;
// strace slows each down, so that more happens in each.
func countCalls(ctx context.Context, dir string, pids []int, argv []string) (said string, calls int, err error) {
	report := filepath.Join(dir, "calls")
	defer os.Remove(report)
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(pids), " ", ","), "[]")
	perf := append([]string{"perf", "stat", "-x;", "-o", report, "-e", "raw_syscalls:sys_enter", "-p", list, "--"}, argv...)
	said, err = output(ctx, perf...)
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

var perfCount = regexp.MustCompile(`(?m)^(\d+);[^;]*;raw_syscalls:sys_enter;`)

// parsePerf reads the count from what perf stat -x';' writes.
func parsePerf(text string) (int, error) {
	m := perfCount.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("perf counted no system calls: %q", text)
	}
	return strconv.Atoi(m[1])
}
