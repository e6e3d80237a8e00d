package homing

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"homing/machine"
	"homing/position"
	"homing/region"
)

// Env is what a process is told by its environment: which machine it is, and how
// Homing should behave. The zero value is a process without regions. Fields may
// be changed before it is given to [New].
type Env struct {
	// Env holds FLY_REGION, PRIMARY_REGION and so on. HOMING_REGION and
	// HOMING_PRIMARY_REGION, where set, take the place of those two.
	machine.Env
	// Keys sign tokens: HOMING_SECRET, "new,old"; see [position.ParseKeys].
	Keys position.Keys
	// Mode is HOMING_MODE, see [Config.Mode].
	Mode Mode
	// Wait is HOMING_WAIT, see [Config.Wait].
	Wait time.Duration
	// Hold is HOMING_HOLD, in bytes, see [Config.Hold].
	Hold int
	// Consistency is HOMING_CONSISTENCY, see [Config.Consistency].
	Consistency Consistency
	// CookieDomain is HOMING_COOKIE_DOMAIN, see [Config.CookieDomain].
	CookieDomain string
	// Replay is HOMING_REPLAY, see [Config.Replay].
	Replay Replay
	// PrimaryURL is HOMING_PRIMARY_URL, see [Config.PrimaryURL].
	PrimaryURL string

	from map[string]string // field of Config → the variable it came from
}

// FromEnv reads the environment of this process: HOMING_* first, then FLY_* and
// PRIMARY_REGION. With none of them set, Homing does nothing. The error names
// each variable that cannot be read, and never quotes a secret; with HOMING_MODE=off
// no other HOMING_ variable matters.
func FromEnv() (Env, error) { return FromLookup(os.Getenv) }

// FromLookup is [FromEnv] with another source of variables, for several machines
// in one process.
func FromLookup(getenv func(string) string) (Env, error) {
	m, err := machine.ReadEnv(getenv)
	e := Env{Env: m, from: map[string]string{}}
	errs := []error{err}
	read := func(name string, set func(string) error) {
		v := getenv(name)
		if v == "" {
			return
		}
		if err := set(v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		e.from[fieldOf(name)] = name
	}
	// The settings that have two variables: the later of these wins.
	read("FLY_REGION", func(string) error { return nil })
	read("PRIMARY_REGION", func(string) error { return nil })
	read("HOMING_REGION", func(s string) (err error) { e.Region, err = region.Parse(s); return })
	read("HOMING_PRIMARY_REGION", func(s string) (err error) { e.PrimaryRegion, err = region.Parse(s); return })
	read("HOMING_MODE", func(s string) (err error) { e.Mode, err = ParseMode(s); return })
	read("HOMING_SECRET", func(s string) (err error) { e.Keys, err = position.ParseKeys(s); return })
	read("HOMING_WAIT", func(s string) (err error) { e.Wait, err = parseWait(s); return })
	read("HOMING_HOLD", func(s string) (err error) { e.Hold, err = parseBytes(s); return })
	read("HOMING_CONSISTENCY", func(s string) (err error) { e.Consistency, err = ParseConsistency(s); return })
	read("HOMING_COOKIE_DOMAIN", func(s string) error { e.CookieDomain = s; return nil })
	read("HOMING_REPLAY", func(s string) (err error) { e.Replay, err = ParseReplay(s); return })
	read("HOMING_PRIMARY_URL", func(s string) error { e.PrimaryURL = s; return nil })
	if e.Mode == Off {
		return e, err // what is wrong with the rest must not keep it from being off
	}
	return e, errors.Join(errs...)
}

// fieldOf returns the field of [Config] that a variable sets.
func fieldOf(variable string) string {
	for _, k := range knobs {
		if slices.Contains(k.Variables, variable) {
			return k.Field
		}
	}
	return ""
}

func parseWait(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`want a time with its unit such as "300ms", not %q`, s)
	}
	return d, nil
}

func parseBytes(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("want a number of bytes, not %q", s)
	}
	return n, nil
}

// Addr is where the app should listen: the port that PORT names, 8080 without
// it. Behind an edge of ours on the same host (HOMING_EDGE=1) it is on loopback,
// so that nobody gets past the edge; else on all addresses, as Fly needs it.
func (e Env) Addr() string {
	port := "8080"
	if e.Port != 0 {
		port = strconv.Itoa(int(e.Port))
	}
	if e.Edge {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return net.JoinHostPort("", port)
}
