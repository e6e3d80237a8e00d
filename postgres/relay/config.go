package relay

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
)

// Config says where a relay stands, and whom it tells what.
type Config struct {
	// Server leads to the server, or the PgBouncer in front of it, as
	// [pgconn.ParseConfig] or package postgres read it: hosts, ports, TLS, how to
	// dial. Users, passwords and databases are the app's own. Of several hosts the
	// first that takes a connection is used; target_session_attrs cannot be heeded
	// then, since the login is the app's. A ConnectTimeout of 0 is 5 s. Required.
	Server *pgconn.Config

	// Listen is where the app connects: "host:port", or a folder for a Unix socket,
	// which begins with a "/". Whoever reaches it talks to the server without TLS, and
	// still needs a password there. Empty: 127.0.0.1, at a free port.
	Listen string

	// Tell is told of what statements did, before the app has their answer. It is
	// called from many goroutines and must return soon: the connection waits.
	// Required.
	Tell func(Event)

	// Role returns what the server was when last looked at, without I/O; None if that
	// is not known. nil: what each connection is told (in_hot_standby, from PostgreSQL
	// 14 on), which is not to be believed through PgBouncer.
	Role func() machine.Role

	// Look has the server looked at again, and returns in bounded time when Role says
	// what was found. It is called for what should not happen: a write refused by a
	// primary, a primary that is gone. nil: nobody looks.
	Look func(context.Context)

	// Logger is told when the server cannot be reached, and of apps that insist on
	// TLS. nil: slog.Default().
	Logger *slog.Logger
}

const connectTimeout = 5 * time.Second

func (cfg Config) validate() error {
	var errs []error
	if cfg.Server == nil {
		errs = append(errs, errors.New("relay: Config.Server is not set; pgconn.ParseConfig returns one"))
	} else if cfg.Server.ValidateConnect != nil && hasSeveralHosts(cfg.Server) {
		errs = append(errs, errors.New("relay: the database has several hosts and target_session_attrs, which the relay cannot check; name one host"))
	}
	if cfg.Tell == nil {
		errs = append(errs, errors.New("relay: Config.Tell is not set; nobody would hear what is seen"))
	}
	return errors.Join(errs...)
}

func hasSeveralHosts(c *pgconn.Config) bool {
	return slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != c.Host || f.Port != c.Port })
}

func (cfg Config) withDefaults() Config {
	cfg.Server = cfg.Server.Copy()
	cfg.Server.ConnectTimeout = cmp.Or(cfg.Server.ConnectTimeout, connectTimeout)
	cfg.Listen = cmp.Or(cfg.Listen, "127.0.0.1:0")
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	return cfg
}
