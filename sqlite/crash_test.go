package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"homing/machine"
)

// The variables with which this binary becomes a follower that is to be killed.
const (
	crashPath = "HOMING_TEST_CRASH_PATH"
	crashFeed = "HOMING_TEST_CRASH_FEED"
)

// TestFollowerProcess is the child of the test below: it says which positions it
// has reached, a line for each, until it is killed.
func TestFollowerProcess(t *testing.T) {
	path := os.Getenv(crashPath)
	if path == "" {
		t.Skip("only as a child")
	}
	fmt.Println("started")
	db := open(t, Config{Path: path, Role: machine.Replica, Feed: os.Getenv(crashFeed), Logger: quiet()})
	for {
		n, _ := parseTXID(string(db.Status().Position)) // 0 while there is none
		if err := db.Wait(t.Context(), formatTXID(n+1)); err != nil {
			t.Fatal(err)
		}
		fmt.Println(db.Status().Position)
	}
}

// TestAKilledFollowerLeavesAWholeFile: kill -9 at any time, while the primary
// writes many pages in each transaction.
func TestAKilledFollowerLeavesAWholeFile(t *testing.T) {
	w := newWorld(t)
	w.exec("CREATE TABLE a (n INTEGER, fill BLOB)")
	w.exec("CREATE TABLE b (n INTEGER, fill BLOB)")
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() { written <- w.writePairs(ctx) }()
	path := w.path("killed")
	for i := range 12 {
		w.runAndKill(t, path, 1+i*i/4) // from "started" on; many lines are one kill among changes
		checkWhole(t, path)
	}
	cancel()
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// writePairs writes to both tables or to neither, until ctx ends.
func (w *world) writePairs(ctx context.Context) error {
	for n := 1; ctx.Err() == nil; n++ {
		tx, err := w.primary.SQL().Begin()
		if err != nil {
			return err
		}
		for _, table := range []string{"a", "b"} {
			if _, err := tx.Exec("INSERT INTO "+table+" VALUES (?, randomblob(20000))", n); err != nil {
				return err
			}
			if _, err := tx.Exec("DELETE FROM "+table+" WHERE n < ?", n-50); err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		if _, err := w.primary.Position(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// runAndKill starts a follower and kills it after it has written some lines.
func (w *world) runAndKill(t *testing.T, path string, lines int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFollowerProcess$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), crashPath+"="+path, crashFeed+"="+w.feed.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(out)
	for range lines {
		if !s.Scan() {
			t.Errorf("the follower ended by itself: %v", s.Err())
			break
		}
	}
	cmd.Process.Kill()
	cmd.Wait() //nolint:errcheck // it was killed
}

// checkWhole opens the file as the next start does, and looks at all of it.
func checkWhole(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return // killed before there was one
	}
	db := sql.OpenDB(connector(dsn(path, "mode=rw")))
	defer db.Close()
	var found string
	var onlyInOne int
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
		t.Fatalf("integrity: %q, %v", found, err)
	}
	err := db.QueryRow("SELECT (SELECT count(*) FROM a WHERE n NOT IN (SELECT n FROM b)) + (SELECT count(*) FROM b WHERE n NOT IN (SELECT n FROM a))").Scan(&onlyInOne)
	if err != nil || onlyInOne != 0 {
		t.Fatalf("%d rows without their pair, %v", onlyInOne, err)
	}
}
