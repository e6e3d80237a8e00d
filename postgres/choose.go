package postgres

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/region"
)

const (
	connectTries = 3
	connectLimit = 2 * time.Second
	// sameConnect is how far apart two times may be and still be equal: what a busy
	// machine adds by chance.
	sameConnect = time.Millisecond
)

// pick sets where Pool leads to one of a list: by region if that can be said, else
// the shortest connect is to decide.
func (c *Config) pick(list []listed) {
	if n, rule := byRegion(c.Region, list); rule != "" {
		c.Rule, c.Pool = rule, list[n].pool
		return
	}
	c.Rule, c.Pool = ByShortestConnect, list[0].pool.Copy()
	for _, l := range list {
		c.candidates = append(c.candidates, l.pool)
	}
}

// byRegion returns the index of what is nearest to a region. The rule is empty
// where nothing says so.
func byRegion(here region.Code, list []listed) (nearest int, rule Rule) {
	best := 0.0
	for i, l := range list {
		if l.region == here {
			return i, ByListedRegion
		}
		km, known := region.Distance(here, l.region)
		if known && (rule == "" || km < best) {
			nearest, best, rule = i, km, ByNearestRegion
		}
	}
	if rule == "" && len(list) == 1 {
		rule = ByOnlyURL
	}
	return nearest, rule
}

// choose returns the index of the candidate that takes connections fastest, and how
// long that took; the first of those that are equal. Names are looked up and servers
// dialled as in way. Where none answered within the limit it is the first, and the
// time is 0.
func choose(ctx context.Context, candidates []*pgxpool.Config, way *pgconn.Config) (int, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	times := make([]time.Duration, len(candidates))
	var all sync.WaitGroup
	for i, c := range candidates {
		all.Go(func() { times[i] = measure(ctx, c.ConnConfig.Host, c.ConnConfig.Port, way) })
	}
	all.Wait()
	answered := slices.DeleteFunc(slices.Clone(times), func(d time.Duration) bool { return d == 0 })
	if len(answered) == 0 {
		return 0, 0
	}
	best := slices.Min(answered)
	n := slices.IndexFunc(times, func(d time.Duration) bool { return d != 0 && d <= best+sameConnect })
	return n, times[n]
}

// measure returns the shortest of some connects to a host, without the look-up of its
// name; 0 if there is none.
func measure(ctx context.Context, host string, port uint16, way *pgconn.Config) (shortest time.Duration) {
	network, address := pgconn.NetworkAddress(host, port)
	if network != "unix" {
		ips, err := way.LookupFunc(ctx, host)
		if err != nil || len(ips) == 0 {
			return 0
		}
		_, address = pgconn.NetworkAddress(ips[0], port)
	}
	for range connectTries {
		begun := time.Now()
		conn, err := way.DialFunc(ctx, network, address)
		if err != nil {
			continue
		}
		took := max(time.Since(begun), 1) // 0 means none
		conn.Close()
		if shortest == 0 || took < shortest {
			shortest = took
		}
	}
	return shortest
}

// move makes a pool lead from one place to another. What the app set in it stays;
// what else the text of the new place says does not count, but for settings of the
// server.
func move(pool, from, to *pgxpool.Config) {
	c, target := &pool.ConnConfig.Config, to.Copy().ConnConfig.Config
	c.Host, c.Port, c.Fallbacks = target.Host, target.Port, target.Fallbacks
	c.TLSConfig, c.SSLNegotiation = target.TLSConfig, target.SSLNegotiation
	c.Database, c.User, c.Password = target.Database, target.User, target.Password
	left := from.ConnConfig.RuntimeParams
	maps.DeleteFunc(c.RuntimeParams, func(name, value string) bool { return left[name] == value })
	maps.Copy(target.RuntimeParams, c.RuntimeParams) // those of the app
	c.RuntimeParams = target.RuntimeParams
}
