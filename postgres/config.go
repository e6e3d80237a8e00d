package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/region"
)

// Config says which databases a machine talks to. It comes from [ParseConfig] and
// may be changed until it is opened. Printed or logged, it shows where they are
// and no password; Pool and Primary, printed by themselves, show everything.
type Config struct {
	// Pool leads to the database of this region, the primary or a replica. What is
	// set here, such as a tracer or BeforeConnect, is kept. Where the shortest
	// connect is yet to decide (rule [ByShortestConnect]), it leads to the first of
	// the URLs; the place and the login are then replaced, unless its Host or Port
	// was changed. Required.
	Pool *pgxpool.Config

	// Primary leads to the primary, from wherever this machine is: far away, in
	// most regions. It keeps no connections in stock there, whatever the URL says,
	// and is asked once whether the database here is of its cluster. In the primary
	// region it is a copy of Pool, unless the region has a URL of its own. Required.
	Primary *pgxpool.Config

	// Rule says why Pool leads where it does. It is for the log.
	Rule Rule

	// Region is this machine's, PrimaryRegion the primary's, as the environment
	// says; a promotion may have moved the primary. Empty: no regions, or nothing is
	// decided.
	Region, PrimaryRegion region.Code

	// Heartbeat names a table, made by [HeartbeatSQL], from which positions come
	// instead of from the server: for one that does not tell them, such as Aurora, or
	// not this user. Each request that writes then costs one more small write, shared
	// with those at the same time. The app's user needs the rights to select and
	// update. Say the same everywhere; what stands before a dot is the schema.
	// ParseConfig takes it from HOMING_HEARTBEAT. Empty: none.
	Heartbeat string

	// Logger is told which database was chosen, and of what goes wrong. nil:
	// slog.Default().
	Logger *slog.Logger

	// candidates are where Pool may lead, the first of them unchanged; none where
	// that is decided.
	candidates []*pgxpool.Config
}

// Rule is the reason why a machine talks to a database, as the log says it.
type Rule string

// The rules of [ParseConfig], in the order in which they are tried.
const (
	WithoutRegions    Rule = "DATABASE_URL, as there are no regions"
	WithoutDeciding   Rule = "DATABASE_URL, as HOMING_MODE says that nothing is decided"
	InPrimaryRegion   Rule = "DATABASE_URL, as the primary is in this region"
	ByRegionURL       Rule = "DATABASE_URL_ with this region's name"
	ByReplicaURL      Rule = "DATABASE_REPLICA_URL"
	ByListedRegion    Rule = "DATABASE_REPLICA_URLS, the one of this region"
	ByNearestRegion   Rule = "DATABASE_REPLICA_URLS, the nearest region"
	ByOnlyURL         Rule = "DATABASE_REPLICA_URLS, the only one"
	ByShortestConnect Rule = "DATABASE_REPLICA_URLS, the shortest connect"
	ByReplicaPort     Rule = "DATABASE_URL, at a replica's port 5433"
)

// ParseConfig finds out from the environment of this process which database a
// machine talks to. It uses no network. Without regions, and with HOMING_MODE=off or
// observe, that is DATABASE_URL; elsewhere the first of these that is set, where in the
// primary region it is the first of them or DATABASE_URL:
//
//   - DATABASE_URL_GRU, in region gru; a "-" in a region's name is a "_" here. It leads
//     to the server there, whatever that is. The primary region needs one where
//     DATABASE_URL leads to the primary wherever that is, if it is to move one day
//   - DATABASE_REPLICA_URL
//   - DATABASE_REPLICA_URLS, several between blanks or commas: either with regions,
//     "gru=postgres://… ams=postgres://…", of which this region's is taken or else
//     the nearest, or without, of which the one that connects fastest is taken,
//     once the database is opened
//   - DATABASE_URL with port 5433 for 5432, Fly Postgres' convention, where the
//     host ends in .internal or .flycast or is this machine
//
// Each but those of the list may be a URL or a list of keywords, "host=… user=…".
// What pgx and pgxpool can read in them counts: several hosts, sslmode,
// pool_max_conns and so on. DATABASE_URL is needed everywhere. Where it is empty
// the variables of libpq stand for it, if PGHOST or PGSERVICE is set.
//
// Where the text leaves it open, connections give up after 5 s, also while a name
// is looked up; an idle one that is asked for is tried first, for 2 s; its
// application_name is "homing/gru". A time of 0 counts as not set: nothing may wait
// for ever.
//
// HOMING_HEARTBEAT is [Config.Heartbeat].
//
// The error is one line, says what to set, and quotes nothing that could be a
// password. A URL in which it is open where the password ends is refused.
func ParseConfig(env machine.Env) (*Config, error) { return ParseConfigFrom(env, os.Getenv) }

// ParseConfigFrom is [ParseConfig] with another source of variables, for several
// machines in one process. The variables of libpq (PGHOST, PGPASSWORD and so on)
// are those of the process all the same: pgx reads them itself.
func ParseConfigFrom(env machine.Env, getenv func(string) string) (*Config, error) {
	v := variables{func(name string) string { return strings.TrimSpace(getenv(name)) }}
	rule := WithoutRegions
	if v.standsAside() {
		rule, env.Region, env.PrimaryRegion = WithoutDeciding, "", ""
	}
	if env.Region != "" && env.PrimaryRegion == "" {
		return nil, fmt.Errorf("postgres: region is %q, but nothing says where the primary is; set PRIMARY_REGION", env.Region)
	}
	primary, err := v.primary()
	if err != nil {
		return nil, err
	}
	c := &Config{Region: env.Region, PrimaryRegion: env.PrimaryRegion, Heartbeat: v.get("HOMING_HEARTBEAT")}
	switch {
	case env.Region == "":
		c.Rule, c.Pool = rule, primary.Copy()
	case env.Role() == machine.Primary && v.get(ownVariable(env.Region)) == "":
		c.Rule, c.Pool = InPrimaryRegion, primary.Copy()
	default:
		if err := c.findReplica(v, primary); err != nil {
			return nil, err
		}
		primary.MinConns, primary.MinIdleConns = 0, 0
	}
	c.Primary = primary
	for _, pool := range append([]*pgxpool.Config{c.Pool, c.Primary}, c.candidates...) {
		tune(pool, c.Region)
	}
	return c, nil
}

// variables reads the environment, without blanks around a value.
type variables struct{ get func(string) string }

// standsAside reports whether the app is to be as if Homing were not there.
func (v variables) standsAside() bool {
	switch strings.ToLower(v.get("HOMING_MODE")) {
	case "off", "observe":
		return true
	}
	return false
}

func (v variables) primary() (*pgxpool.Config, error) {
	text := v.get("DATABASE_URL")
	if text == "" && os.Getenv("PGHOST") == "" && os.Getenv("PGSERVICE") == "" {
		return nil, errors.New(`postgres: DATABASE_URL is not set; want the primary's, as in "postgres://user:password@host:5432/database"`)
	}
	return parse("DATABASE_URL", text)
}

// ownVariable names a region's own server.
func ownVariable(r region.Code) string {
	return "DATABASE_URL_" + strings.ToUpper(strings.ReplaceAll(string(r), "-", "_"))
}

// findReplica sets the rule and where Pool leads, in a region that is not the
// primary's or has a server of its own.
func (c *Config) findReplica(v variables, primary *pgxpool.Config) (err error) {
	own := ownVariable(c.Region)
	for _, named := range []struct {
		variable string
		rule     Rule
	}{{own, ByRegionURL}, {"DATABASE_REPLICA_URL", ByReplicaURL}} {
		if text := v.get(named.variable); text != "" {
			c.Rule = named.rule
			c.Pool, err = parse(named.variable, text)
			return err
		}
	}
	if text := v.get(listVariable); text != "" {
		listed, err := parseList(text)
		if err != nil {
			return err
		}
		c.pick(listed)
		return nil
	}
	if c.Pool = atReplicaPort(primary); c.Pool != nil {
		c.Rule = ByReplicaPort
		return nil
	}
	hosts, ports := place(&primary.ConnConfig.Config)
	return fmt.Errorf("postgres: region %q has no database: %s, DATABASE_REPLICA_URL and %s are not set, and DATABASE_URL (host %s, port %s) "+
		"is not a Fly Postgres, which has replicas at port 5433; set one of them to a replica's URL", c.Region, own, listVariable, hosts, ports)
}

// settled returns the configuration to open: a copy, with the database chosen where
// that was left to the shortest connect, which takes 2 s at most. It tells the
// log.
func (c Config) settled(ctx context.Context) Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	first := c.Pool
	c.Pool, c.Primary = c.Pool.Copy(), c.Primary.Copy()
	var more []slog.Attr
	if len(c.candidates) > 0 && samePlace(first, c.candidates[0]) {
		n, took := choose(ctx, c.candidates, &first.ConnConfig.Config)
		if took == 0 {
			c.Logger.WarnContext(ctx, "no database of "+listVariable+" took a connection; the first will be used",
				"tried", len(c.candidates), "limit", connectLimit.String())
		} else {
			more = append(more, slog.String("connect", took.String()))
		}
		move(c.Pool, c.candidates[0], c.candidates[n])
	}
	c.candidates = nil
	c.Logger.LogAttrs(ctx, slog.LevelInfo, "database of this region", append(c.attrs(), more...)...)
	return c
}
