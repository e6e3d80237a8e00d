package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"homing/bench/result"
)

// report puts what was measured into tables, with the commands that measure it again.
func report(ctx context.Context, s settings, found []round) *result.Result {
	r := result.New("handler", "What Homing costs inside an app and beside it")
	r.Summary = summary(s.groups, found)
	if version := postgresVersion(ctx); version != "" {
		r.AddVersion("PostgreSQL", version)
	}
	for _, g := range s.groups {
		g.table(r, found)
	}
	r.Note(fmt.Sprintf("Each figure is the median over %d rounds, in each of which every benchmark runs for %v; least and most are those of the rounds.", len(found), s.time))
	r.Note("Homing's part is a handler with Homing less the same handler without, in the same round. Benchmarks of the handler alone have " +
		"a http.ResponseWriter that costs nothing, so net/http's own work is in neither.")
	r.Note("Where there is a client or a server, its allocations count too if it runs in the same process: all of them but PostgreSQL and psql.")
	r.Commands = append(r.Commands, strings.TrimSpace("go run ./bench/handler "+strings.Join(s.args, " ")))
	for _, pkg := range packages(s.groups) {
		r.Commands = append(r.Commands, fmt.Sprintf("go test -run '^$' -bench '%s' -benchmem -benchtime %v -count %d %s", pattern(s.groups, pkg), s.time, s.rounds, pkg))
	}
	return r
}

// units are how a table's times are written.
var units = map[time.Duration]string{time.Nanosecond: "ns", time.Microsecond: "µs", time.Millisecond: "ms"}

func (g group) table(r *result.Result, found []round) {
	unit, digits := units[g.unit], 0
	if g.unit > time.Nanosecond {
		digits = 1
	}
	columns := []result.Column{{Name: "what"}, {Name: "time", Unit: unit, Digits: digits}, {Name: "least", Unit: unit, Digits: digits}, {Name: "most", Unit: unit, Digits: digits},
		{Name: "memory", Unit: "B"}, {Name: "allocations"}}
	for _, e := range g.extras {
		columns = append(columns, result.Column{Name: e.name, Unit: e.shown, Digits: e.digits})
	}
	t := r.AddTable(g.title, columns...)
	for _, l := range g.lines {
		took := l.sample("ns/op", found)
		scale := float64(g.unit)
		cells := []any{l.says, took.Median() / scale, took.Quantile(0) / scale, took.Quantile(1) / scale, l.median("B/op", found), l.median("allocs/op", found)}
		for _, e := range g.extras {
			cells = append(cells, l.median(e.unit, found))
		}
		t.Add(cells...)
	}
}

// sample is what the rounds have of a line in one unit: its own, less what the line
// says. It is empty for a unit that its benchmark does not report.
func (l line) sample(unit string, found []round) *result.Sample {
	s := new(result.Sample)
	for _, now := range found {
		if v, reported := now[l.key()][unit]; reported {
			s.Add(v - now[key{l.pkg, l.minus}][unit])
		}
	}
	return s
}

// median is a cell of it, nil where nothing was reported.
func (l line) median(unit string, found []round) any {
	if s := l.sample(unit, found); s.Len() > 0 {
		return s.Median()
	}
	return nil
}

// What a read with a token may cost, beyond the handler alone.
const (
	aim            = 1000 // ns
	aimAllocations = 0
)

// summary compares that with its aim; nothing if it was not measured.
func summary(groups []group, found []round) string {
	for _, g := range groups {
		for _, l := range g.lines {
			if l == withToken {
				took, allocations := l.sample("ns/op", found).Median(), l.sample("allocs/op", found).Median()
				return fmt.Sprintf("To a read whose token the replica has reached, Homing adds %.2f µs (the aim: %.0f µs at most, %s), "+
					"and %.0f allocations (the aim: %d, %s).", took/1e3, aim/1e3, met(took, aim), allocations, aimAllocations, met(allocations, aimAllocations))
			}
		}
	}
	return ""
}

// met says whether a figure is within its aim.
func met(is, most float64) string {
	if is <= most {
		return "met"
	}
	return "missed"
}

var versionWords = regexp.MustCompile(`\d+(\.\d+)+`)

// postgresVersion is that of the server which the benchmarks find: in PATH, or where
// Debian keeps it; empty if there is none.
func postgresVersion(ctx context.Context) string {
	places, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // no error for a pattern like this
	if at, err := exec.LookPath("postgres"); err == nil {
		places = append(places, at)
	}
	if len(places) == 0 {
		return ""
	}
	said, _ := exec.CommandContext(ctx, places[len(places)-1], "--version").Output() // then there is none to name
	return versionWords.FindString(string(said))
}
