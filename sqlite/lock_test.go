package sqlite

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"homing/machine"
)

// TestAFileIsOpenOnce: two followers of one file were seen to replace it under
// each other's readers, which then missed 15 of 20 of their own writes.
func TestAFileIsOpenOnce(t *testing.T) {
	w := newWorld(t)
	for _, cfg := range []Config{
		{Path: w.path("primary"), Role: machine.Primary, Logger: quiet()},
		w.replicaConfig(),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		db, err := Open(ctx, cfg)
		cancel()
		if !errors.Is(err, ErrInUse) {
			t.Errorf("opening the %s a second time: %v, want ErrInUse", cfg.Role, err)
		}
		if err == nil {
			db.Close()
		}
	}
	w.insert("the first goes on")
	w.sync()
}

// TestOpenWaitsForTheOneBefore: in a restart the two overlap.
func TestOpenWaitsForTheOneBefore(t *testing.T) {
	w := newWorld(t)
	w.handler.set(nil)
	opened := make(chan error, 1)
	go func() {
		db, err := Open(t.Context(), Config{Path: w.path("primary"), Role: machine.Primary, Logger: quiet()})
		if err == nil {
			err = db.Close()
		}
		opened <- err
	}()
	w.stopPrimary()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestAFailedOpenLetsGoOfTheFile(t *testing.T) {
	path := t.TempDir() + "/a.db"
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Path: path, Role: machine.Primary, Logger: quiet()}
	if db, err := Open(t.Context(), cfg); err == nil {
		db.Close()
		t.Fatal("a folder was opened")
	}
	remove(t, path)
	open(t, cfg)
}
