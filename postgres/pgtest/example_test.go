package pgtest_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"homing/postgres/pgtest"
)

// A replica that is held back does not show what was written, until it is released.
// In a test, [pgtest.Start] does without Close and takes care of errors.
func Example() {
	ctx := context.Background()
	c, err := pgtest.New(ctx, pgtest.Config{Replicas: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	replica := c.Replicas()[0]

	replica.HoldStream()
	if err := c.Primary().Exec(ctx, "create table visits ()"); err != nil {
		fmt.Println(err)
	}
	fmt.Println("held:", has(ctx, replica, "visits"))

	replica.ReleaseStream()
	if err := c.WaitCaughtUp(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println("released:", has(ctx, replica, "visits"))
	// Output:
	// held: false
	// released: true
}

func has(ctx context.Context, s *pgtest.Server, table string) (found bool) {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		fmt.Println(err)
		return false
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, "select to_regclass($1) is not null", table).Scan(&found); err != nil {
		fmt.Println(err)
	}
	return found
}
