package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/region"
)

const (
	connectTimeout = 5 * time.Second
	pingTimeout    = 2 * time.Second
)

// A server that vanished without a word is noticed after about 20 s by a
// connection that waits for its answer; by itself Go takes two minutes and more.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// parse reads the URL, or the list of keywords, in a variable. No error quotes the
// text or wraps one of pgx's: those keep it, and hide a password as best they can,
// which is not always.
func parse(variable, text string) (*pgxpool.Config, error) {
	refuse := func(why string) (*pgxpool.Config, error) { return nil, fmt.Errorf("postgres: %s: %s", variable, why) }
	if why := unclear(text); why != "" {
		return refuse(why)
	}
	pool, err := pgxpool.ParseConfig(text)
	if err != nil {
		return refuse(reason(err))
	}
	for name := range pool.ConnConfig.RuntimeParams {
		if !isParameter(name) {
			return refuse("it has a keyword that is no word; " + howToWrite)
		}
	}
	return pool, nil
}

const (
	wanted     = `want "postgres://user:password@host:5432/database" or "host=… user=… password=…"`
	howToWrite = `in a URL write what is special in a name or password as %40 for "@", %2F for "/", %3A for ":", %20 for a blank; ` +
		`among keywords put it in single quotes`
)

// unclear says why it is open what in the text is the password, or nothing. pgx
// takes what follows the first "@", or the first "/" before it, for the host, the
// port and the database, and these are shown.
func unclear(text string) string {
	scheme, rest, hasScheme := strings.Cut(text, "://")
	switch {
	case text == "":
		return "" // the variables of libpq
	case hasScheme && (scheme == "postgres" || scheme == "postgresql"):
		if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
			rest = rest[i+1:]
		}
		if strings.Contains(rest, "@") {
			return `it has an "@" where none can be; ` + howToWrite
		}
		return ""
	case strings.ContainsAny(text[:1], "\"'`"):
		return "it is in quotes, which do not belong to it; " + wanted
	case hasScheme && !strings.Contains(scheme, "="), !strings.Contains(text, "="):
		return "it is no URL of PostgreSQL; " + wanted
	}
	return ""
}

// isParameter reports whether a server can have a setting of that name. Others are
// what is left of a text that was misread.
func isParameter(name string) bool {
	for _, r := range name {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '.') {
			return false
		}
	}
	return name != ""
}

// reasons tells what pgx complains of. Its texts quote what they complain of, so
// they only point to ours.
var reasons = []struct{ said, why string }{
	{"invalid port", `the port is no number from 1 to 65535; ` + howToWrite},
	{"port numbers to", "it has not as many ports as hosts"},
	{"percent-encoded token", `a "%" is not followed by two hexadecimal digits; a "%" itself is written %25`},
	{"unexpected spaces", "a blank in a URL is written %20"},
	{"IPv6 host", `an IPv6 address is not between "[" and "]"`},
	{"unterminated quoted", "a quote is not closed"},
	{"failed to parse as keyword/value", "it is no list of keywords with values; " + howToWrite},
	{"key/value separator", `what follows the "?" is not "name=value&name=value"`},
	{"failed to read service", "the service that it names cannot be read"},
	{"unable to read CA file", "the file of its sslrootcert cannot be read"},
	{"unable to add CA", "the file of its sslrootcert holds no certificate"},
	{"sslmode is invalid", "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"},
	{"failed to configure TLS", "its sslcert, sslkey or sslrootcert cannot be used"},
	{"invalid connect_timeout", "connect_timeout is no number of seconds"},
	{"unknown target_session_attrs", "target_session_attrs is none of any, read-write, read-only, primary, standby, prefer-standby"},
	{"unknown channel_binding", "channel_binding is none of disable, prefer, require"},
	{"default_query_exec_mode", "default_query_exec_mode is not one of pgx's modes"},
	{"parse pool_", "a pool_ setting has a value that it cannot have"},
	{"pool_max_conns too small", "pool_max_conns is less than 1"},
}

func reason(err error) string {
	why := "it cannot be read; " + wanted
	text := err.Error()
	_, said, _ := cutLast(text, "`: ") // not in what pgx repeats of the text
	for _, r := range reasons {
		if strings.Contains(said, r.said) {
			why = r.why
			break
		}
	}
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		why += ": " + file.Err.Error()
	}
	return why
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// tune sets what the text leaves open. A time that is 0 is left open too.
func tune(pool *pgxpool.Config, here region.Code) {
	c := &pool.ConnConfig.Config
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, connectTimeout)
	pool.PingTimeout = cmp.Or(pool.PingTimeout, pingTimeout)
	c.DialFunc = (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
	c.LookupFunc = bounded(c, c.LookupFunc)
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = strings.TrimSuffix("homing/"+string(here), "/")
	}
}

// bounded lets a look-up take no longer than a connection may: pgx would wait for
// as long as the name server likes.
func bounded(c *pgconn.Config, lookup pgconn.LookupFunc) pgconn.LookupFunc {
	return func(ctx context.Context, host string) ([]string, error) {
		if limit := c.ConnectTimeout; limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		return lookup(ctx, host)
	}
}

const (
	portOfPrimary  = 5432
	portOfReplicas = 5433
)

// atReplicaPort returns the configuration of a replica of Fly Postgres: there,
// whichever server a name leads to answers at 5433 itself, and at 5432 for the
// primary. It is nil where the primary does not look like one.
func atReplicaPort(primary *pgxpool.Config) *pgxpool.Config {
	replica := primary.Copy()
	c := &replica.ConnConfig.Config
	fits := isOnFly(c.Host) && c.Port == portOfPrimary
	c.Port = portOfReplicas
	for _, f := range c.Fallbacks {
		fits = fits && isOnFly(f.Host) && f.Port == portOfPrimary
		f.Port = portOfReplicas
	}
	if !fits {
		return nil
	}
	c.ValidateConnect = nil // target_session_attrs says what the primary must be
	return replica
}

// isOnFly reports whether a host is one of Fly's private names, or a tunnel to one
// that ends on this machine.
func isOnFly(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	addr, err := netip.ParseAddr(host)
	return strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".flycast") ||
		host == "localhost" || err == nil && addr.IsLoopback()
}
