//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"homing/bench/chart"
	"homing/bench/result"
)

// report is what a run has found, for bench/results.
type report struct {
	result *result.Result
	tables map[string]*result.Table // by scenario
}

func newReport(s settings) *report {
	r := result.New("peers", "What a request costs: nginx, HAProxy, Caddy and Homing")
	r.Commands = []string{strings.TrimSpace("go run ./bench/peers " + strings.Join(s.args, " "))}
	for _, note := range notes {
		r.Note(note)
	}
	return &report{result: r, tables: map[string]*result.Table{}}
}

var notes = []string{
	"CPU is the processor's time of the proxy for one request, user and system, as the kernel counts it. The proxy is on one core " +
		"(one worker, one thread, GOMAXPROCS=1), wrk and the origin are on another.",
	"Each ratio is the median over the rounds of the ratio to nginx in the same round; range is the least and the most of them. " +
		"Ratios hold where other work on the machine moves the absolute times.",
	"calls are system calls for each request, counted by perf in a pass of their own; alloc are allocations, which only Homing's edge tells.",
	"All speak HTTP/1.1 on both sides, keep connections alive, log no requests, add X-Forwarded-For, -Proto, -Port, Via and an ID of the request. " +
		"The configurations are in bench/peers/conf. Homing's edge has its metrics, its records of journeys and its questions to machines on.",
	"A second machine is asked by nginx because of X-Accel-Redirect, by Caddy with handle_response, by Homing because of Fly-Replay. HAProxy cannot.",
	"Memory is what 2,000 connections add to the resident set of a process that has just started and has served requests for a second.",
}

func (r *report) add(s scenario, t *result.Table) {
	r.tables[s.name] = t
	r.result.Tables = append(r.result.Tables, t)
}

// write writes the files, with charts of the scenarios that were run.
func (r *report) write(ctx context.Context, peers []peer, dir string) error {
	if wrk := asked(ctx, "wrk"); wrk != "" {
		r.result.AddVersion("wrk", wrk)
	}
	for _, p := range peers {
		if p.version != "" {
			r.result.AddVersion(p.name, p.version)
		}
	}
	r.result.Charts = append(r.charts(peers, "cpu", "A request's time of the processor", "µs", "CPU", "get-32", "get-256", "post-32", "post-256"),
		r.charts(peers, "memory", "Memory that a connection holds", "KiB", "memory", "idle", "tunnels")...)
	r.result.Summary = r.summary()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return r.result.Write(dir)
}

// summary says in two sentences what most want to know; nothing if it was not measured.
func (r *report) summary() string {
	get, replayed := r.tables["get-32"], r.tables["replay"]
	if get == nil || replayed == nil {
		return ""
	}
	homing, measured := value(get, "homing", "ratio")
	caddy, too := value(get, "caddy", "ratio")
	again, also := value(replayed, "homing", "ratio")
	if !measured || !too || !also {
		return ""
	}
	return fmt.Sprintf("A GET through Homing's edge takes %.2f times as much of the processor as one through nginx, where Caddy takes %.2f times as much. "+
		"One that is replayed at a second machine takes %.2f times as much as a plain one.", homing, caddy, again)
}

// charts returns bars of one column, in a group for each scenario; nothing if one was
// not run.
func (r *report) charts(peers []peer, name, title, unit, column string, groups ...string) []chart.Chart {
	c := chart.Chart{Name: name, Title: title, Note: "less is better", Y: chart.Axis{Label: unit}, Groups: groups}
	for _, p := range peers {
		s := chart.Series{Name: p.name}
		for _, g := range groups {
			t := r.tables[g]
			if t == nil {
				return nil
			}
			v, _ := value(t, p.name, column)
			s.Y = append(s.Y, v)
		}
		c.Series = append(c.Series, s)
	}
	return []chart.Chart{c}
}

var versionWords = regexp.MustCompile(`\d+(?:\.\d+)+[-+.~\w]*`)

// versionIn returns the version in what a program says of itself, or nothing.
func versionIn(said string) string { return versionWords.FindString(said) }
