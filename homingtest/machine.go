package homingtest

import (
	"database/sql"
	"errors"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing"
	"homing/dev"
	"homing/region"
)

// Machine is what an app needs to be made for one machine.
type Machine struct {
	Region region.Code
	// Env is for [homing.Config]; it may be changed before. Getenv is where it was read:
	// FLY_REGION, PRIMARY_REGION and so on.
	Env    homing.Env
	Getenv func(name string) string
	// Database is for [homing.Config], too: a *sqlite.DB or a *postgres.DB, which the
	// world closes.
	Database homing.Database
	// SQL is the same database for the app. Pool is it for apps that use pgx; nil on
	// SQLite.
	SQL  *sql.DB
	Pool *pgxpool.Pool
	// Logger writes to the test's log.
	Logger *slog.Logger
}

// newApp is World.App as package dev wants it.
func (w *World) newApp(getenv func(string) string, db dev.Database) (http.Handler, error) {
	env, err := homing.FromLookup(getenv)
	if err != nil {
		return nil, err
	}
	m := Machine{
		Region: env.Region, Env: env, Getenv: getenv, Database: db.Opened(), SQL: db.SQL(),
		Logger: w.run.log.With("region", env.Region),
	}
	if pooled, ok := db.(interface{ Pool() *pgxpool.Pool }); ok {
		m.Pool = pooled.Pool()
	}
	app, err := w.App(m)
	if err == nil && app == nil {
		err = errors.New("World.App returned no handler")
	}
	return app, err
}
