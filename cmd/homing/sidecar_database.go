package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"homing"
	"homing/machine"
	"homing/postgres"
	"homing/postgres/relay"
	"homing/sidecar"
	"homing/supervise"
)

// appDatabase is the database of the app's region: what we see of it, and what the app
// is told of it.
type appDatabase struct {
	view    homing.Database  // nil: there is none that we can read
	witness sidecar.Witness  // nil: nobody sees what the app does
	env     []string         // variables that lead the app there
	values  supervise.Values // for --env; nil: there is none
	close   func()
}

// openAppDatabase finds the database of this region by the app's own variables, and
// puts the relay before it. Where Homing is off, or does not know the kind, the app
// keeps what it has.
func (f sidecarFlags) openAppDatabase(ctx context.Context, env homing.Env, log *slog.Logger) (*appDatabase, error) {
	none := &appDatabase{close: func() {}}
	text := strings.TrimSpace(os.Getenv("DATABASE_URL"))
	switch {
	case text == "" && os.Getenv("PGHOST") == "":
		return none, nil
	case !isPostgres(text):
		log.Info("homing: DATABASE_URL is not PostgreSQL's, so a write is found by its method, by --write-route, and by the answer's field Homing-Did")
		return none, nil
	}
	cfg, err := postgres.ParseConfigFrom(env.Env, plainly)
	if err != nil {
		return nil, err
	}
	if env.Mode == homing.Off {
		none.values = targetOf(text, cfg.Pool.ConnConfig).values()
		return none, nil
	}
	cfg.Logger = log
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	a := &appDatabase{view: db, close: func() { db.Close() }}
	if err := f.lead(a, db, text, log); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// lead says how the app reaches the database: through the relay, unless that is off.
func (f sidecarFlags) lead(a *appDatabase, db *postgres.DB, text string, log *slog.Logger) error {
	conn := db.Pool().Config().ConnConfig
	t := targetOf(text, conn)
	if f.relay != "off" && !(f.relay == "auto" && f.target != "") { // an app that runs already would not find it
		seen := new(sidecar.Recent)
		r, err := relay.Listen(relay.Config{
			Server: &conn.Config, Listen: f.relayAddr(), Logger: log,
			Tell: func(e relay.Event) { seen.Tell(e.Mark, e.Began) },
			Role: func() machine.Role { return db.State().Role }, Look: db.Look,
		})
		if err != nil {
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := r.Serve(context.Background()); err != nil {
				log.Error("homing: the relay to the database has ended", "err", err)
			}
		}()
		a.witness = seen
		a.close = func() { r.Close(); <-done; db.Close() }
		t.relay = r
	}
	var err error
	if a.env, err = t.environ(); err == nil {
		a.values = t.values()
	}
	return err
}

func (f sidecarFlags) relayAddr() string {
	if f.relay == "auto" {
		return ""
	}
	return f.relay
}

// expand fills in what --env says.
func (a *appDatabase) expand(flags []string) ([]string, error) {
	var vars []string
	for _, f := range flags {
		name, template, ok := strings.Cut(f, "=")
		switch {
		case !ok || name == "":
			return nil, fmt.Errorf("--env %s: want NAME=VALUE, as DB_HOST={host}", name)
		case a.values == nil && strings.Contains(template, "{"):
			return nil, errors.New("--env " + name + ": there is no database to tell of; set DATABASE_URL to PostgreSQL's")
		}
		vars = append(vars, name+"="+a.values.Expand(template))
	}
	return vars, nil
}
