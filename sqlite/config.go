package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"homing/machine"
)

// Config says which file, as what, and where its primary is.
type Config struct {
	// Path is the database file of this machine. A primary creates it if it is
	// missing; a replica replaces what is there, unless it was closed cleanly.
	// It may not contain '?', '#' or '%', which mean something in SQLite's URIs.
	Path string

	// Role is machine.Primary or machine.Replica. Exactly one machine may be
	// the primary of a database; nothing here enforces that.
	Role machine.Role

	// Feed is where a replica reads the primary's changes: the http or https URL
	// at which the primary's [DB.Feed] is served. Unused on a primary.
	Feed string

	// Dial opens a replica's connections to Feed. nil: the network. Worlds that
	// pretend to be far apart put distance and faults here.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Secret is shared by the primary and its replicas, and needed to read the
	// feed, which is the whole database; the connection itself is not encrypted
	// unless Feed is https. Empty: the primary serves the feed to loopback
	// addresses only.
	Secret string

	// Logger is told of connections lost and found, and of failures. nil:
	// slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if abs, err := filepath.Abs(c.Path); err == nil && c.Path != "" {
		c.Path = abs // a later chdir must not split the file from its WAL
	}
	c.Logger = c.Logger.With("db", filepath.Base(c.Path))
	return c
}

func (c Config) validate() error {
	var errs []error
	switch {
	case c.Path == "":
		errs = append(errs, errors.New("path: missing"))
	case strings.Contains(c.Path, ":memory:"):
		errs = append(errs, errors.New("path: a database in memory cannot be followed; want a file"))
	case strings.ContainsAny(c.Path, "?#%"):
		errs = append(errs, fmt.Errorf("path %q: may not contain '?', '#' or '%%'", c.Path))
	}
	switch c.Role {
	case machine.Primary:
	case machine.Replica:
		if u, err := url.Parse(c.Feed); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("feed %q: want the primary's URL, as in http://127.0.0.1:7900", c.Feed))
		}
	default:
		errs = append(errs, fmt.Errorf("role %s: want primary or replica", c.Role))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}
