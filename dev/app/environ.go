package app

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"homing/dev"
	"homing/supervise"
)

// place is what a process needs to know of where it runs.
type place struct {
	name   string // as its log has it: "gru", or "gru/2"
	values supervise.Values
}

// place makes the folder of a machine, which is its own: many frameworks refuse two
// servers that share one for their pid files and caches.
func (a *app) place(m dev.Machine) (place, error) {
	name := string(m.Region)
	switch {
	case m.Number == 0:
		name = m.Group
	case a.many(m):
		name += "/" + strconv.Itoa(m.Number)
	}
	dir := filepath.Join(a.dir, strings.ReplaceAll(name, "/", "-"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return place{}, err
	}
	return place{name, supervise.Values{
		"port": strconv.Itoa(int(m.Port)), "region": string(m.Region), "machine": string(m.ID), "dir": dir,
	}}, nil
}

// many reports whether a machine is not alone in its region.
func (a *app) many(m dev.Machine) bool {
	n := a.cfg.Machines[m.Region]
	for _, o := range a.cfg.Outside {
		if o.Region == m.Region {
			n++
		}
	}
	return n > 1
}

// environ is the environment of a machine's process. What the machine is told counts
// most: an app that had the same port in each region could not run here.
func (a *app) environ(m dev.Machine, p place) []string {
	env := []string{"PIDFILE=" + filepath.Join(p.values["dir"], "server.pid")}
	file := a.cfg.file().Env
	for _, name := range slices.Sorted(maps.Keys(file)) {
		env = append(env, name+"="+p.values.Expand(file[name]))
	}
	for _, v := range a.cfg.Variables {
		name, value, _ := strings.Cut(v, "=")
		env = append(env, name+"="+p.values.Expand(value))
	}
	return append(env, m.Environ...)
}
