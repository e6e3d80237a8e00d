//go:build linux

package main

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const wrkReport = `Running 2s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   722.42us    1.51ms  43.18ms   97.37%
    Req/Sec    37.53k     3.93k   42.57k    85.00%
  Latency Distribution
     50%  374.00us
     75%    1.38ms
     90%    2.42ms
     99%    5.15ms
  74692 requests in 2.00s, 87.19MB read
`

func TestParseWrk(t *testing.T) {
	whole := told{requests: 74692, elapsed: 2 * time.Second, p50: 374 * time.Microsecond, p99: 5150 * time.Microsecond, bytes: 87.19 * (1 << 20)}
	failed := whole
	failed.failed = 1 + 2 + 3 + 4 + 17
	for name, tt := range map[string]struct {
		text string
		want told
	}{
		"all went well": {wrkReport + "Requests/sec:  37346.00\nTransfer/sec:     43.59MB\n", whole},
		"errors": {wrkReport + "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 17\n" +
			"Requests/sec:  37346.00\n", failed},
		"a minute, gigabytes": {"     99%    1.02s \n  1 requests in 1.00m, 1.50GB read\n",
			told{requests: 1, elapsed: time.Minute, p99: 1020 * time.Millisecond, bytes: 1.5 * (1 << 30)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parseWrk(tt.text); got != tt.want || err != nil {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
	if _, err := parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n"); err == nil {
		t.Error("no error for a report without requests")
	}
}

func TestParsePerf(t *testing.T) {
	n, err := parsePerf("# started on Mon Nov 23 08:00:00 2026\n\n456012;;raw_syscalls:sys_enter;2001234567;100.00;;\n")
	if n != 456012 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, text := range []string{"", "<not counted>;;raw_syscalls:sys_enter;0;100.00;;\n", "<not supported>;;raw_syscalls:sys_enter;0;0;;\n"} {
		if _, err := parsePerf(text); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func TestParseStrace(t *testing.T) {
	const head = "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ----------------\n"
	for name, tt := range map[string]struct {
		last string
		want int
	}{
		"with errors":            {"100.00    1.234567           5    123456       789 total\n", 123456},
		"without errors":         {"100.00    0.000042           4        10           total\n", 10},
		"without times per call": {"100.00    0.000042                    12         3 total\n", 12},
	} {
		t.Run(name, func(t *testing.T) {
			text := head + " 60.00    0.700000           6    100000           read\n" + tt.last
			if n, err := parseStrace(text); n != tt.want || err != nil {
				t.Errorf("%d, %v; want %d", n, err, tt.want)
			}
		})
	}
	if _, err := parseStrace(head); err == nil {
		t.Error("no error for a report without a sum")
	}
}

func TestParseStat(t *testing.T) {
	text := "4242 (a (b) c) S 1 77 77 0 -1 4194560 1 2 3 4 150 250 7 8 20 0 5 0 999 104857600 2560 18446744073709551615 1 1 0\n"
	want := stat{group: 77, used: usage{1500 * time.Millisecond, 2500 * time.Millisecond}, rss: 2560 * int64(os.Getpagesize())}
	if got, err := parseStat(text); got != want || err != nil {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	for _, text := range []string{"", "1 (a) S 1 2", strings.Replace(text, "150", "many", 1)} {
		if _, err := parseStat(text); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func TestVersionIn(t *testing.T) {
	for said, want := range map[string]string{
		"nginx version: nginx/1.22.1\n":                          "1.22.1",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://": "2.6.12-1+deb12u4",
		"wrk 4.1.0 [epoll] Copyright (C) 2012":                   "4.1.0",
		"no numbers":                                             "",
	} {
		if got := versionIn(said); got != want {
			t.Errorf("%q in %q, want %q", got, said, want)
		}
	}
}

func TestSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want settings
	}{
		"none":  {nil, settings{rounds: 10, seconds: 1}},
		"quick": {[]string{"--quick"}, settings{rounds: 1, seconds: 1, quick: true}},
		"lists": {[]string{"--only", "get-32,idle", "--only", "stream", "--with", "a=/b"},
			settings{rounds: 10, seconds: 1, only: []string{"get-32", "idle", "stream"}, with: []string{"a=/b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(tt.args)
			tt.want.args = tt.args
			if !reflect.DeepEqual(got, tt.want) || err != nil {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
	for _, args := range [][]string{{"--only", "gets"}, {"--rounds", "0"}, {"--seconds", "-1"}, {"--peers", "squid"}, {"--with", "a"}, {"and"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("no error for %q", args)
		}
	}
}

// What a quick run leaves out can be asked for.
func TestRuns(t *testing.T) {
	of := func(args ...string) (names []string) {
		s, err := parse(args)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range scenarios() {
			if s.runs(one) {
				names = append(names, one.name)
			}
		}
		return names
	}
	if got := of(); !slices.Equal(got, scenarioNames()) {
		t.Errorf("a whole run has %q", got)
	}
	if got := of("--quick"); slices.Contains(got, "get-256") || !slices.Contains(got, "get-32") {
		t.Errorf("a quick run has %q", got)
	}
	if got := of("--quick", "--only", "get-256"); !slices.Equal(got, []string{"get-256"}) {
		t.Errorf("what was asked for is %q", got)
	}
}
