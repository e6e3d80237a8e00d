package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"homing/machine"
	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/trail"
)

func ExampleParseConfigFrom() {
	vars := map[string]string{
		"DATABASE_URL":     "postgres://app:hush@db.ord.internal/app",
		"DATABASE_URL_GRU": "postgres://app:hush@db.gru.internal/app",
	}
	env := machine.Env{Region: "gru", PrimaryRegion: "ord"}
	cfg, err := postgres.ParseConfigFrom(env, func(name string) string { return vars[name] }) // an app calls ParseConfig
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Rule)
	fmt.Println(cfg.Pool.ConnConfig.Host, "and, for what must go there,", cfg.Primary.ConnConfig.Host)
	// Output:
	// DATABASE_URL_ with this region's name
	// db.gru.internal and, for what must go there, db.ord.internal
}

func ExampleOpen() {
	ctx := context.Background()
	cluster, err := pgtest.New(ctx, pgtest.Config{}) // a server to run this against
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	vars := map[string]string{"DATABASE_URL": cluster.Primary().URL()}
	cfg, err := postgres.ParseConfigFrom(machine.Env{Region: "ord", PrimaryRegion: "ord"}, func(name string) string { return vars[name] })
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.Logger = slog.New(slog.DiscardHandler)
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()

	request, marks := trail.Start(ctx) // homing's handler does that for each request
	if _, err := db.Pool().Exec(request, "create table notes (note text)"); err != nil {
		fmt.Println(err)
	}
	if _, err := db.SQL().ExecContext(request, "insert into notes values ('hello')"); err != nil {
		fmt.Println(err)
	}
	fmt.Println("the request wrote:", marks.Has(trail.Wrote))
	// Output: the request wrote: true
}

// Any other driver of database/sql leaves the same marks.
func ExampleWrap() {
	ctx := context.Background()
	cluster, err := pgtest.New(ctx, pgtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	connector, err := stdlib.GetDefaultDriver().(*stdlib.Driver).OpenConnector(cluster.Primary().URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sql.OpenDB(postgres.Wrap(connector))
	defer db.Close()

	request, marks := trail.Start(ctx)
	if _, err := db.ExecContext(request, "create table notes (note text)"); err != nil {
		fmt.Println(err)
	}
	fmt.Println("the request wrote:", marks.Has(trail.Wrote))
	// Output: the request wrote: true
}

func ExampleDiagnose() {
	_, err := pgx.Connect(context.Background(), "postgres://app:hush@127.0.0.1:1/app?sslmode=disable")
	fmt.Println(postgres.Diagnose(err))
	// Output: postgres at host 127.0.0.1, port 1, database "app", user "app": nobody listens there; start the server, or correct host and port
}
