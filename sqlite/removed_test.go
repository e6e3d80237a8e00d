package sqlite

import (
	"errors"
	"os"
	"strings"
	"testing"

	"homing/machine"
	"homing/trail"
)

// moveAway takes a database's files from under it, as "rm -rf" of a temporary
// folder does, and returns what puts them back.
func moveAway(t *testing.T, names ...string) (putBack func()) {
	t.Helper()
	for _, n := range names {
		rename(t, n, n+".away")
	}
	return func() {
		t.Helper()
		for _, n := range names {
			rename(t, n+".away", n)
		}
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func filesOf(path string) []string { return []string{path, path + "-wal", path + "-shm"} }

// TestAPrimaryWhoseFilesWereRemovedSaysSo: SQLite says "disk I/O error" then, or
// nothing at all.
func TestAPrimaryWhoseFilesWereRemovedSaysSo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files func(path string) []string
	}{
		{"all", filesOf},
		{"the database only", func(path string) []string { return []string{path} }},
		{"the WAL only", func(path string) []string { return []string{path + "-wal"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			putBack := moveAway(t, tt.files(w.path("primary"))...)
			_, err := w.primary.Position(soon(t))
			if !errors.Is(err, ErrRemoved) {
				t.Errorf("Position: %v, want ErrRemoved", err)
			}
			if err := w.primary.Status().Err; !errors.Is(err, ErrRemoved) {
				t.Errorf("Status: %v, want ErrRemoved", err)
			}
			putBack()
			w.insert("after")
			w.sync()
			if err := w.primary.Status().Err; err != nil {
				t.Errorf("Status once the files are back: %v", err)
			}
		})
	}
}

// TestClosingAPrimaryWhoseFilesWereRemovedSaysSo: what was written since is lost.
func TestClosingAPrimaryWhoseFilesWereRemovedSaysSo(t *testing.T) {
	w := newWorld(t)
	moveAway(t, filesOf(w.path("primary"))...)
	if err := w.primary.Close(); !errors.Is(err, ErrRemoved) {
		t.Errorf("Close: %v, want ErrRemoved", err)
	}
}

// TestAPrimaryWhoseFileWasReplacedSaysSo: new connections see the other file.
func TestAPrimaryWhoseFileWasReplacedSaysSo(t *testing.T) {
	w := newWorld(t)
	putBack := moveAway(t, w.path("primary"))
	write(t, w.path("primary"), "")
	if _, err := w.primary.Position(soon(t)); !errors.Is(err, ErrRemoved) {
		t.Errorf("Position: %v, want ErrRemoved", err)
	}
	putBack()
	w.sync()
}

// TestAReplicaWhoseFileWasRemovedSendsAllHome, and follows again when it is back.
func TestAReplicaWhoseFileWasRemovedSendsAllHome(t *testing.T) {
	w := newWorld(t)
	putBack := moveAway(t, filesOf(w.path("replica"))...)
	w.insert("unseen")
	eventually(t, "the replica gives up its role", func() bool { return w.replica.State().Role == machine.None })
	eventually(t, "it says why", func() bool { return errors.Is(w.replica.Status().Err, ErrRemoved) })
	if p := w.replica.Status().Position; p != "" {
		t.Errorf("its position is %q, want none", p)
	}
	putBack()
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}

// TestACaptureThatFailedGoesOn, by itself, when what made it fail has gone. A file
// in the place of the folder stands for a full disk: root may write anywhere.
func TestACaptureThatFailedGoesOn(t *testing.T) {
	w := newWorld(t)
	dir := w.primary.side.(*primary).capture.dir()
	putBack := moveAway(t, dir)
	write(t, dir, "in the way")
	w.insert("one")
	if _, err := w.primary.Position(soon(t)); err == nil || errors.Is(err, ErrRemoved) {
		t.Fatalf("Position without a place for the changes: %v, want the capture's error", err)
	}
	if err := w.primary.Status().Err; err == nil || !strings.Contains(err.Error(), "capturing changes") {
		t.Errorf("Status: %v, want that changes are not captured", err)
	}
	w.refusesWrites(t)
	remove(t, dir)
	putBack()
	eventually(t, "nobody asks, and it is captured", func() bool { return w.primary.Status().Err == nil })
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}

// refusesWrites tries a write on the replica: whatever happens to the primary, it
// is refused as one.
func (w *world) refusesWrites(t *testing.T) {
	t.Helper()
	ctx, tr := trail.Start(t.Context())
	err := w.replica.SQL().QueryRowContext(ctx, "UPDATE notes SET text = '' RETURNING id").Scan(new(int))
	if !tr.Has(trail.Refused) || tr.Has(trail.Conflict) {
		t.Errorf("a write on the replica: %v; refused %v, conflict %v; want refused only",
			err, tr.Has(trail.Refused), tr.Has(trail.Conflict))
	}
}

func TestWhatAnErrorOnAReplicaMeans(t *testing.T) {
	w := newWorld(t)
	w.refusesWrites(t)
	w.stopPrimary()
	w.refusesWrites(t)
	db := w.replica.SQL()
	db.SetMaxIdleConns(0) // each on a connection of its own
	for range 3 {
		w.refusesWrites(t)
	}
}
