package postgres

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// String says which database was chosen, by which rule, and where the primary is;
// no password.
func (c Config) String() string {
	var words []string
	for _, a := range c.attrs() {
		words = append(words, a.Key+"="+strconv.Quote(a.Value.String()))
	}
	return "postgres.Config{" + strings.Join(words, " ") + "}"
}

// Format writes [Config.String] whatever the verb: %+v and %#v would otherwise
// go through the fields.
func (c Config) Format(s fmt.State, _ rune) { io.WriteString(s, c.String()) }

// LogValue is what [log/slog] writes of a Config: what String says, as a group.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }

// MarshalText returns [Config.String], for encoders that would go through the
// fields.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// attrs lists what may be shown. What is not listed stays hidden.
func (c Config) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("rule", string(c.Rule))}
	if c.Region != "" {
		attrs = append(attrs, slog.String("region", string(c.Region)), slog.String("primary_region", string(c.PrimaryRegion)))
	}
	if c.Pool == nil {
		return attrs
	}
	hosts, ports := place(&c.Pool.ConnConfig.Config)
	attrs = append(attrs, slog.String("host", hosts), slog.String("port", ports),
		slog.String("database", c.Pool.ConnConfig.Database), slog.String("user", c.Pool.ConnConfig.User))
	if c.Primary != nil && !samePlace(c.Pool, c.Primary) {
		hosts, ports = place(&c.Primary.ConnConfig.Config)
		attrs = append(attrs, slog.String("primary_host", hosts), slog.String("primary_port", ports))
	}
	if c.Heartbeat != "" {
		attrs = append(attrs, slog.String("heartbeat", c.Heartbeat))
	}
	return attrs
}

// place returns a configuration's hosts and ports as libpq lists them: at the same
// places, between commas.
func place(c *pgconn.Config) (hosts, ports string) {
	var allHosts, allPorts []string
	last := ""
	add := func(host string, port uint16) {
		p := strconv.Itoa(int(port))
		if at := host + " " + p; at != last { // twice where TLS may be left out
			allHosts, allPorts, last = append(allHosts, host), append(allPorts, p), at
		}
	}
	add(c.Host, c.Port)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port)
	}
	return strings.Join(allHosts, ","), strings.Join(allPorts, ",")
}

// samePlace reports whether a and b lead to the same servers.
func samePlace(a, b *pgxpool.Config) bool {
	hosts, ports := place(&a.ConnConfig.Config)
	otherHosts, otherPorts := place(&b.ConnConfig.Config)
	return hosts == otherHosts && ports == otherPorts
}
