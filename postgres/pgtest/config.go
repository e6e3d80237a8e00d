package pgtest

import (
	"errors"
	"fmt"
)

// Config says what a cluster consists of. The zero value is a primary alone.
type Config struct {
	// Replicas is how many servers follow the primary; 0 to 8.
	Replicas int

	// PgBouncer puts one in front of every server, in transaction mode;
	// [Server.URL] then leads through it.
	PgBouncer bool

	// Settings are PostgreSQL's own, for every server, such as
	// "hot_standby_feedback": "on". They come before the settings of this package;
	// ALTER SYSTEM comes before both.
	Settings map[string]string
}

const mostReplicas = 8

func (cfg Config) validate() error {
	var errs []error
	if cfg.Replicas < 0 || cfg.Replicas > mostReplicas {
		errs = append(errs, fmt.Errorf("pgtest: Config.Replicas is %d, not 0 to %d", cfg.Replicas, mostReplicas))
	}
	for name := range cfg.Settings {
		if _, ours := fixed[name]; ours {
			errs = append(errs, fmt.Errorf("pgtest: Config.Settings has %s, which the cluster sets itself", name))
		}
	}
	return errors.Join(errs...)
}

// fixed settings are written for each server when it starts.
var fixed = map[string]struct{}{
	"port": {}, "listen_addresses": {}, "unix_socket_directories": {}, "cluster_name": {}, "primary_conninfo": {},
}
