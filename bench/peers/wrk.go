//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// load is what wrk is to do.
type load struct {
	path  string
	post  bool
	conns int
}

// told is what wrk says at its end.
type told struct {
	requests int
	elapsed  time.Duration
	p50, p99 time.Duration
	bytes    float64 // read, as wrk rounds them
	failed   int     // answers that were none of 2xx and 3xx, and errors of connections
}

// postScript makes wrk send 1 KiB with each request.
const postScript = `wrk.method = "POST"
wrk.body = string.rep("0123456789abcde\n", 64)
wrk.headers["Content-Type"] = "text/plain"
`

// command returns wrk's words for this load, on the load's core.
func (l load) command(dir, base string, seconds int) ([]string, error) {
	argv := []string{"taskset", "-c", loadCore, "wrk", "-t1", fmt.Sprintf("-c%d", l.conns), fmt.Sprintf("-d%ds", seconds), "--latency", "--timeout", "30s"}
	if l.post {
		script := filepath.Join(dir, "post.lua")
		if err := os.WriteFile(script, []byte(postScript), 0o600); err != nil {
			return nil, err
		}
		argv = append(argv, "-s", script)
	}
	return append(argv, base+l.path), nil
}

func (l load) run(ctx context.Context, dir, base string, seconds int) (told, error) {
	argv, err := l.command(dir, base, seconds)
	if err != nil {
		return told{}, err
	}
	text, err := output(ctx, argv...)
	if err != nil {
		return told{}, err
	}
	return parseWrk(text)
}

var (
	wrkTotal   = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h), ([\d.]+)([KMGT]?)B read$`)
	wrkLatency = regexp.MustCompile(`(?m)^\s*(50|99)%\s+([\d.]+)(us|ms|s|m|h)\s*$`)
	wrkSocket  = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus  = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

var scales = map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

// parseWrk reads what wrk 4 prints with --latency.
func parseWrk(text string) (told, error) {
	var t told
	total := wrkTotal.FindStringSubmatch(text)
	if total == nil {
		return t, fmt.Errorf("wrk's report is not understood: %q", text)
	}
	t.requests, _ = strconv.Atoi(total[1])
	t.elapsed = span(total[2], total[3])
	t.bytes = number(total[4]) * scales[total[5]]
	for _, m := range wrkLatency.FindAllStringSubmatch(text, -1) {
		if m[1] == "50" {
			t.p50 = span(m[2], m[3])
		} else {
			t.p99 = span(m[2], m[3])
		}
	}
	for _, re := range []*regexp.Regexp{wrkSocket, wrkStatus} {
		m := re.FindStringSubmatch(text)
		for i := 1; i < len(m); i++ {
			n, _ := strconv.Atoi(m[i])
			t.failed += n
		}
	}
	return t, nil
}

func number(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // the pattern lets nothing else through
	return f
}

// span reads a time as wrk writes it.
func span(s, unit string) time.Duration {
	d := map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	return time.Duration(number(s) * float64(d))
}
