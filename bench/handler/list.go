package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// group is a table of what was measured.
type group struct {
	name, title string
	unit        time.Duration // of its times; a nanosecond, microsecond or millisecond
	extras      []extra
	lines       []line
}

// extra is a column beside time, bytes and allocations.
type extra struct {
	name   string
	unit   string // as the benchmark reports it
	shown  string // the same for a reader
	digits int
}

// line is one benchmark of a table.
type line struct {
	pkg   string // its folder
	bench string // its name as go test prints it, without "Benchmark" and the number of cores
	minus string // another one of pkg, whose figures in the same round are taken off; empty: none
	says  string // what it is, for a reader
}

// key names a benchmark.
type key struct{ pkg, bench string }

func (l line) key() key { return key{l.pkg, l.bench} }

// keys are the benchmarks that a line needs.
func (l line) keys() []key {
	if l.minus == "" {
		return []key{l.key()}
	}
	return []key{l.key(), {l.pkg, l.minus}}
}

func groupNames(groups []group) []string {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	return names
}

// packages are those that the groups need, each once, in their order.
func packages(groups []group) []string {
	var all []string
	for _, g := range groups {
		for _, l := range g.lines {
			if !slices.Contains(all, l.pkg) {
				all = append(all, l.pkg)
			}
		}
	}
	return all
}

// pattern chooses what the groups need of a package, as -bench takes it: whole
// benchmarks, with all that is in them.
func pattern(groups []group, pkg string) string {
	var names []string
	for _, g := range groups {
		for _, l := range g.lines {
			name, _, _ := strings.Cut(l.bench, "/")
			if l.pkg == pkg && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return fmt.Sprintf("^Benchmark(%s)$", strings.Join(names, "|"))
}

// withToken is the line that we have an aim for.
var withToken = line{".", "Read/with_a_token/homing", "Read/with_a_token/plain", "Homing's part of a read with a token that the replica has, 1 KiB"}

// groups are all that is measured.
var groups = []group{
	{name: "read", title: "A read at the handler that is answered at once", unit: time.Nanosecond, lines: []line{
		withToken,
		{".", "Read/without_a_token/homing", "Read/without_a_token/plain", "Homing's part of a read without a token, 1 KiB"},
		{".", "HeldAnswer/held_64_KiB/homing", "HeldAnswer/held_64_KiB/plain", "the same, 64 KiB held"},
		{".", "DecideReached", "", "of it, deciding with a token"},
		{".", "DecideWithoutToken", "", "of it, deciding without one"},
		{"./position", "Token/open", "", "of it, reading a signed token"},
		{"./sqlite", "WaitReached", "", "of it, finding that SQLite's replica has the position"},
		{"./position", "Token/seal", "", "writing a signed token, after a write"},
		{".", "Observe/observed", "Observe/plain", "HOMING_MODE=observe: its part of any request"},
	}},
	{name: "position", title: "Positions: who has what", unit: time.Microsecond, extras: []extra{
		{"replica behind, median", "lag-p50-µs", "µs", 0}, {"told after that, median", "overshoot-p50-µs", "µs", 0}, {"told after that, 99 %", "overshoot-p99-µs", "µs", 0},
	}, lines: []line{
		{"./postgres", "Wait/lag_only", "", "PostgreSQL: write, wait for it on the replica"},
		{"./postgres", "Wait/lag_only,_as_through_a_proxy", "", "the same, replica behind a proxy"},
		{"./postgres", "Wait/60_ms_away", "", "the same, 60 ms away"},
		{"./postgres", "Wait/60_ms_away,_as_through_a_proxy", "", "60 ms away, replica behind a proxy"},
		{"./postgres", "Position/log", "", "PostgreSQL: the position after a write"},
		{"./postgres", "Position/heartbeat", "", "the same, with a heartbeat table"},
		{"./sqlite", "CommitToVisible", "", "SQLite: write, wait for it on the replica"},
		{"./sqlite", "Position", "", "SQLite: the position after a write"},
		{"./position", "Advance/1000_waiting", "", "looking which of 1,000 readers may go on"},
	}},
	{name: "queries", title: "Each query, seen by the driver's hooks", unit: time.Nanosecond, lines: []line{
		{"./postgres", "Query/bare", "", "select 1 by pgx, without Homing"},
		{"./postgres", "Query/replica", "", "the same with Homing, on a replica"},
		{"./postgres", "Query/primary", "", "the same with Homing, on a primary"},
		{"./postgres", "Tracer/replica", "", "the hooks alone, on a replica"},
		{"./postgres", "Tracer/primary", "", "the hooks alone, on a primary"},
	}},
	{name: "relay", title: "The sidecar's Postgres relay, and a connection without it", unit: time.Microsecond, extras: []extra{
		{"carried", "MB/s", "MB/s", 0},
	}, lines: []line{
		{"./postgres/relay", "Select/direct", "", "a small query, direct"},
		{"./postgres/relay", "Select/relay", "", "a small query, relayed"},
		{"./postgres/relay", "Connect/direct", "", "a login, direct"},
		{"./postgres/relay", "Connect/relay", "", "a login, relayed"},
		{"./postgres/relay", "CopyOut/direct", "", "64 MiB out, direct"},
		{"./postgres/relay", "CopyOut/relay", "", "64 MiB out, relayed"},
		{"./postgres/relay", "CopyIn/direct", "", "64 MiB in, direct"},
		{"./postgres/relay", "CopyIn/relay", "", "64 MiB in, relayed"},
		{"./postgres/relay", "Scan", "", "looking at 32 KiB of answers"},
	}},
	{name: "hops", title: "A request over loopback: client, servers and all", unit: time.Microsecond, lines: []line{
		{"./sidecar", "Hop/to_the_app", "", "net/http, straight to the app"},
		{"./sidecar", "Hop/through", "", "through the sidecar"},
		{"./sidecar", "Hop/deciding", "", "through the sidecar, which decides"},
		{"./homeward", "Send/answered_here", "", "net/http, answered where it came"},
		{"./homeward", "Send/sent_home", "", "sent home by the handler"},
		{"./edge", "EdgeGet", "", "through the edge"},
		{"./edge", "EdgeReplay", "", "through the edge, and replayed"},
		{"./forward", "ForwardGet", "", "the edge's exchange with a machine"},
	}},
	{name: "parts", title: "What a request meets on its way", unit: time.Nanosecond, lines: []line{
		{"./wire", "ReadRequest", "", "reading a request's head"},
		{"./wire", "AppendRequestHead", "", "writing it"},
		{"./wire", "ReadResponse", "", "reading an answer's head"},
		{"./wire", "ReadChunks", "", "reading 64 chunks of 1 KiB"},
		{"./route", "Choose/nearest", "", "choosing the nearest of 100 machines"},
		{"./route", "Choose/region", "", "choosing one of a region"},
		{"./route", "Choose/instance", "", "choosing one by its name"},
		{"./homeward", "Stamp", "", "signing what goes home, and believing it"},
		{"./metrics", "Record", "", "counting a request with two hops"},
	}},
}
