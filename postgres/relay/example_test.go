package relay_test

import (
	"context"
	"log"
	"os"

	"homing/machine"
	"homing/postgres"
	"homing/postgres/relay"
	"homing/trail"
)

// The database of this region, as package postgres finds it, and an app that knows
// nothing of regions.
func ExampleListen() {
	ctx := context.Background()
	cfg, err := postgres.ParseConfig(machine.Env{})
	if err != nil {
		log.Fatal(err)
	}
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	r, err := relay.Listen(relay.Config{
		Server: &cfg.Pool.ConnConfig.Config,
		Role:   func() machine.Role { return db.State().Role },
		Look:   db.Look,
		Tell: func(e relay.Event) {
			if e.Mark == trail.Refused {
				log.Print("a write was refused between ", e.Began, " and ", e.Ended)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	go r.Serve(ctx)
	address, err := r.URL(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("DATABASE_URL", address) // for the app that is started now
}
