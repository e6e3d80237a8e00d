package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/machine"
)

// openFiles lists what this process has open below dir.
func openFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	for _, fd := range fds {
		if name, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil && strings.HasPrefix(name, dir) {
			names = append(names, name)
		}
	}
	return names
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	w := newWorld(t)
	w.insert("x")
	w.sync()
	waiting := make(chan error, 1)
	go func() { waiting <- w.replica.Wait(soon(t), "00000000ffffffff") }()
	eventually(t, "somebody waits", func() bool { return w.replica.Status().Waiting == 1 })
	w.close()
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("a wait when the database closes: %v, want ErrClosed", err)
	}
	for _, db := range []*DB{w.primary, w.replica} {
		if err := db.Close(); err != nil {
			t.Errorf("a second Close: %v", err)
		}
		if err := db.Wait(soon(t), "00000000ffffffff"); !errors.Is(err, ErrClosed) {
			t.Errorf("Wait after Close: %v, want ErrClosed", err)
		}
	}
	if _, err := w.primary.Position(soon(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Position after Close: %v, want ErrClosed", err)
	}
	eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	if names := openFiles(t, w.dir); len(names) > 0 {
		t.Errorf("still open: %v", names)
	}
}

// TestCloseDoesNotWaitForADeadFeed: nothing comes, and the connection ignores
// its deadlines.
func TestCloseDoesNotWaitForADeadFeed(t *testing.T) {
	w := newWorld(t)
	w.gate.hold()
	w.insert("x")
	closed := make(chan error, 1)
	go func() { closed <- w.replica.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Close hangs")
	}
}

func TestCloseEndsFeedsAndPositions(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for {
				if _, err := w.primary.Position(soon(t)); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("Position during Close: %v, want ErrClosed", err)
					}
					return
				}
			}
		})
	}
	if err := w.primary.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	eventually(t, "the feed ends", func() bool { return w.primary.Status().Followers == 0 })
}

// TestManyInOneProcess: a program may open any number, also of the same file one
// after another.
func TestManyInOneProcess(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				db, err := Open(t.Context(), Config{
					Path: filepath.Join(dir, string(rune('a'+i))+".db"), Role: machine.Primary, Logger: quiet(),
				})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := db.SQL().Exec("CREATE TABLE IF NOT EXISTS x (y)"); err != nil {
					t.Error(err)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if names := openFiles(t, dir); len(names) > 0 {
		t.Errorf("still open: %v", names)
	}
}
