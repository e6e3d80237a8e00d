// Command gin keeps short links, with Gin on pgx.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"

	"github.com/gin-gonic/gin"
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
	site, err := homing.New(homing.Config{
		Env: env, Database: db,
		// In place of homing.Writes, which is for handlers of net/http. The patterns are
		// those of net/http's mux, so that an ID is {id}.
		WriteRoutes: []string{"GET /links/{id}/undo"},
	})
	if err != nil {
		return nil, err
	}
	engine := routes(links.Pool{DB: db.Pool()})
	engine.GET("/healthz", gin.WrapH(site.Health()))
	return site.Handler(engine), nil // around Gin, and so around all of its middleware
}
