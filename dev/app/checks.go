package app

import (
	"fmt"
	"slices"

	"homing/dev"
	"homing/flytoml"
	"homing/health"
)

// checks are those of the service, which decide about requests.
func checks(s flytoml.Service) []health.Check {
	var all []health.Check
	for _, c := range s.Checks {
		all = append(all, check(c))
	}
	return all
}

// check is one of fly.toml. Over HTTPS it can only be tried whether the port accepts
// connections: TLS ends at Fly's edge, or in ways we do not have.
func check(c flytoml.Check) health.Check {
	one := health.Check{Interval: c.Interval, Timeout: c.Timeout, Grace: c.Grace}
	if c.Type == "http" && c.Protocol == "http" {
		one.Method, one.Path, one.Header = c.Method, c.Path, c.Headers
	}
	return one
}

// shown are the checks of no service, which decide nothing. Here only the port that
// takes requests is each machine's own: of another one nobody knows whose answer it is.
func (a *app) shown() []dev.Shown {
	var all []dev.Shown
	for _, c := range a.cfg.file().Checks {
		if !slices.Contains(c.Groups, a.group()) {
			continue
		}
		one := dev.Shown{Name: c.Name, Check: check(c)}
		if c.Port != 0 && c.Port != a.internalPort() {
			one.Unasked = fmt.Sprintf("port %d is not asked: all machines here share it", c.Port)
		}
		all = append(all, one)
	}
	return all
}

// internalPort is where the app listens on Fly, which is $PORT here.
func (a *app) internalPort() int {
	if s, ok := a.cfg.file().HTTPService(); ok {
		return s.InternalPort
	}
	return 8080
}
