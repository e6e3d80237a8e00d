package sqlite_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"homing/machine"
	"homing/sqlite"
)

// A primary and a replica, which are in different regions in earnest.
func ExampleOpen() {
	if err := replicate(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: the replica reads "hello"
}

func replicate(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	primary, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "primary.db"), Role: machine.Primary})
	if err != nil {
		return err
	}
	defer primary.Close()
	feed := httptest.NewServer(primary.Feed()) // in earnest with a Secret, at an address of its own
	defer feed.Close()
	replica, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "replica.db"), Role: machine.Replica, Feed: feed.URL})
	if err != nil {
		return err
	}
	defer replica.Close()

	if _, err := primary.SQL().ExecContext(ctx, "create table notes (note text); insert into notes values ('hello')"); err != nil {
		return err
	}
	wrote, err := primary.Position(ctx) // what homing's handler gives the client as a token
	if err != nil {
		return err
	}
	if err := replica.Wait(ctx, wrote); err != nil { // and waits for, before the client's next read
		return err
	}
	var note string
	if err := replica.SQL().QueryRowContext(ctx, "select note from notes").Scan(&note); err != nil {
		return err
	}
	fmt.Printf("the replica reads %q\n", note)
	return nil
}
