package dev

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"homing/fleet"
	"homing/region"
)

// NoDistances puts all regions in one place.
func NoDistances(a, b region.Code) time.Duration { return 0 }

// RealDistances are those of the places on the globe; see [region.RoundTrip]. A
// region that is nowhere is near everything.
func RealDistances(a, b region.Code) time.Duration {
	d, _ := region.RoundTrip(a, b)
	return d
}

// wayHome is the round trip from r to the primary. From there it is the longest of
// all: another may have the primary later.
func (w *World) wayHome(r, home region.Code) time.Duration {
	if r != home {
		return w.cfg.Distances(r, home)
	}
	var longest time.Duration
	for _, other := range w.cfg.Regions {
		longest = max(longest, w.cfg.Distances(r, other))
	}
	return longest
}

// ReadDistances reads a table of round trips: a line for each pair of regions,
// as in "ord gru 130ms"; blank lines and those that begin with "#" are skipped.
// Each pair of the given regions must be there once, in either order; pairs of
// other regions are allowed. Errors name the line.
func ReadDistances(r io.Reader, regions []region.Code) (fleet.Distances, error) {
	table := make(map[[2]region.Code]time.Duration)
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p, d, err := parseDistance(line)
		if _, twice := table[p]; err == nil && twice {
			err = fmt.Errorf("%s and %s are given twice", p[0], p[1])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		table[p] = d
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	for i, a := range regions {
		for _, b := range regions[i+1:] {
			if _, ok := table[pair(a, b)]; !ok {
				return nil, fmt.Errorf(`no distance between %s and %s; add a line "%s %s 100ms"`, a, b, a, b)
			}
		}
	}
	return func(a, b region.Code) time.Duration { return table[pair(a, b)] }, nil
}

// pair names two regions in one order.
func pair(a, b region.Code) [2]region.Code {
	p := [2]region.Code{a, b}
	slices.Sort(p[:])
	return p
}

// maxDistance is beyond any two places on Earth, and short enough for a start.
const maxDistance = time.Second

func parseDistance(line string) ([2]region.Code, time.Duration, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return [2]region.Code{}, 0, fmt.Errorf(`want two regions and a round trip, as in "ord gru 130ms"`)
	}
	a, err := region.Parse(fields[0])
	if err != nil {
		return [2]region.Code{}, 0, err
	}
	b, err := region.Parse(fields[1])
	if err != nil {
		return [2]region.Code{}, 0, err
	}
	if a == b {
		return [2]region.Code{}, 0, fmt.Errorf("%s is at no distance from itself", a)
	}
	d, err := time.ParseDuration(fields[2])
	if err != nil || d < 0 || d > maxDistance {
		return [2]region.Code{}, 0, fmt.Errorf("%q is no round trip; want a time with its unit, from 0s to %v", fields[2], maxDistance)
	}
	return pair(a, b), d, nil
}
