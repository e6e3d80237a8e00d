// Command gorm keeps short links with GORM, which uses database/sql.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"

	driver "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"homing"
	"homing/examples/links"
	"homing/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	env, err := homing.FromEnv()
	if err != nil {
		return err
	}
	cfg, err := postgres.ParseConfig(env.Env)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	app, err := newApp(env, db)
	if err != nil {
		return err
	}
	return links.Serve(ctx, env.Addr(), app)
}

// newApp is what one machine runs.
func newApp(env homing.Env, db *postgres.DB) (http.Handler, error) {
	site, err := homing.New(homing.Config{Env: env, Database: db})
	if err != nil {
		return nil, err
	}
	orm, err := open(db)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", links.Handler(store{orm}))
	mux.Handle("GET /healthz", site.Health())
	return site.Handler(mux), nil
}

// open hands GORM the handle that is there, in place of a DSN to open one by. Like
// [postgres.Open] it succeeds while the server is away, as it does not ping.
func open(db *postgres.DB) (*gorm.DB, error) {
	return gorm.Open(driver.New(driver.Config{Conn: db.SQL()}), &gorm.Config{DisableAutomaticPing: true})
}
