package claim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"homing/dev"
	"homing/fleet"
	"homing/region"
)

// Config says what is measured.
type Config struct {
	// Regions are where users and the app are, each once; two at least.
	Regions []region.Code
	// Primary is the region of the writable database, one of Regions.
	Primary region.Code
	// Distances between them, as round trips. nil: the real ones.
	Distances fleet.Distances
	// Queries are how many a request makes, each from 1 to 100. Default 1, 5 and 20.
	Queries []int
	// Rounds is how often everything is done. Default 3.
	Rounds int
	// Users is how many of a region's users are there at the same time: each does all for
	// one of Queries. Default 6.
	Users int
	// Window is how long reads go home after a write, in the strategy [Window]. Default
	// 5 s.
	Window time.Duration
	// Progress is told how much is done, from 0 to 1. It is never called by two
	// goroutines at once. nil: nobody is told.
	Progress func(part float64)
	// Logger gets what the regions say. nil: slog.Default().
	Logger *slog.Logger
}

const mostQueries = 100

func (c Config) withDefaults() Config {
	if c.Distances == nil {
		c.Distances = dev.RealDistances
	}
	if len(c.Queries) == 0 {
		c.Queries = []int{1, 5, 20}
	}
	c.Queries = slices.Sorted(slices.Values(c.Queries))
	if c.Rounds == 0 {
		c.Rounds = 3
	}
	if c.Users == 0 {
		c.Users = 6
	}
	if c.Window == 0 {
		c.Window = 5 * time.Second
	}
	if c.Progress == nil {
		c.Progress = func(float64) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Check reports what is wrong with a Config, but for what package dev says of regions.
func (c Config) Check() error {
	var errs []error
	if len(c.Regions) < 2 {
		errs = append(errs, errors.New("there must be two regions at least: the primary's, and one that is far from it"))
	}
	for i, k := range c.Queries {
		if k < 1 || k > mostQueries {
			errs = append(errs, fmt.Errorf("%d queries a request; want 1 to %d", k, mostQueries))
		}
		if slices.Contains(c.Queries[:i], k) {
			errs = append(errs, fmt.Errorf("%d queries a request are given twice", k))
		}
	}
	if c.Rounds < 0 || c.Users < 0 || c.Window < 0 {
		errs = append(errs, errors.New("a negative number of rounds or users, or a negative window"))
	}
	return errors.Join(errs...)
}

// far are the regions that are not the primary's.
func (c Config) far() []region.Code {
	return slices.DeleteFunc(slices.Clone(c.Regions), func(r region.Code) bool { return r == c.Primary })
}

// cost is how long one round of a user should take who makes k queries a request.
func (c Config) cost(r region.Code, k int) time.Duration {
	n := 0
	for _, s := range Strategies() {
		for _, w := range whats {
			n += s.trips(w, k)
		}
	}
	return time.Duration(n) * (c.Distances(r, c.Primary) + time.Millisecond)
}

// Estimate is about how long [Run] will measure, once the regions have started.
func (c Config) Estimate() time.Duration {
	c = c.withDefaults()
	var longest time.Duration
	for _, r := range c.Regions {
		users := make([]time.Duration, c.Users)
		for _, k := range slices.Backward(c.Queries) {
			next := slices.Index(users, slices.Min(users)) // who is free first takes the next
			users[next] += c.cost(r, k) * time.Duration(c.Rounds)
		}
		longest = max(longest, slices.Max(users))
	}
	return longest
}

// Run measures. It returns when it has ended everything that it began, at the latest
// soon after ctx has ended.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	b := newBench(cfg.withDefaults())
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	return b.report()
}
