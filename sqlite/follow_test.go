package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homing/machine"
)

func (w *world) snapshots() int { return w.replica.Status().Snapshots }

func TestAReplicaResumesAfterACleanClose(t *testing.T) {
	w := newWorld(t)
	w.insert("before")
	at := w.sync()
	w.stopReplica()
	w.insert("while it was away")
	w.gate.hold()
	w.startReplica()
	if s := w.replica.State(); s.Role != machine.Replica || s.Epoch != w.primary.State().Epoch {
		t.Errorf("state before the feed is reached is %+v, want a replica in the primary's epoch", s)
	}
	if err := w.replica.Wait(soon(t), at); err != nil {
		t.Errorf("Wait for what it had: %v", err)
	}
	w.gate.release()
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 2 {
		t.Errorf("%d notes, want 2", n)
	}
	if n := w.snapshots(); n != 0 {
		t.Errorf("%d snapshots after a clean close, want none", n)
	}
}

func TestWithoutACleanCloseThereIsASnapshot(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, path string)
	}{
		{"the mark is missing, as after a crash", func(t *testing.T, path string) {
			remove(t, markFile(path))
		}},
		{"the file was written to", func(t *testing.T, path string) {
			c := &copyFile{path: path}
			if err := c.open(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.conn.ExecContext(always, "INSERT INTO notes (text) VALUES ('mine')"); err != nil {
				t.Fatal(err)
			}
			if err := c.close(); err != nil {
				t.Fatal(err)
			}
		}},
		{"the mark is nonsense", func(t *testing.T, path string) {
			write(t, markFile(path), "1 zzz\n")
		}},
		{"the file is gone", remove},
		{"the file is no database", func(t *testing.T, path string) {
			write(t, path, strings.Repeat("nonsense", 1000))
			remove(t, markFile(path))
		}},
		{"the file is empty", func(t *testing.T, path string) {
			write(t, path, "")
			remove(t, markFile(path))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.insert("one")
			w.sync()
			w.stopReplica()
			tt.spoil(t, w.path("replica"))
			w.gate.hold()
			w.startReplica()
			if role := w.replica.State().Role; role != machine.None {
				t.Errorf("its role before the snapshot is %s, want none", role)
			}
			w.gate.release()
			w.sync()
			if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 1 {
				t.Errorf("%d notes, want 1", n)
			}
			if n := w.snapshots(); n != 1 {
				t.Errorf("%d snapshots, want 1", n)
			}
		})
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAReplicaOutlivesItsPrimarysRestart(t *testing.T) {
	w := newWorld(t)
	w.insert("before")
	w.sync()
	epoch := w.primary.State().Epoch
	before := w.snapshots()
	w.stopPrimary()
	eventually(t, "the replica notices", func() bool { return w.replica.Status().Err != nil })
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("%d notes while the primary is down, want 1", n)
	}
	w.startPrimary()
	if got := w.primary.State().Epoch; got != epoch {
		t.Errorf("epoch %s after a clean restart, want %s as before", got, epoch)
	}
	w.insert("after")
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 2 {
		t.Errorf("%d notes, want 2", n)
	}
	if n := w.snapshots() - before; n != 0 {
		t.Errorf("%d snapshots because of the restart, want none", n)
	}
	if s := w.replica.Status(); s.Err != nil || s.Connected.IsZero() {
		t.Errorf("status is %+v, want connected", s)
	}
}

// TestARestartAfterACheckpointIsNoLoss: Litestream has several connections then,
// and not all of them keep the WAL when they are closed.
func TestARestartAfterACheckpointIsNoLoss(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.exec("INSERT INTO notes (text) VALUES (zeroblob(5000000))")
		w.sync()
		epoch, before := w.primary.State().Epoch, w.snapshots()
		w.stopPrimary()
		w.startPrimary()
		w.insert("after")
		w.sync()
		if got := w.primary.State().Epoch; got != epoch || w.snapshots() != before {
			t.Errorf("epoch %s and %d snapshots after a restart, want %s and %d", got, w.snapshots(), epoch, before)
		}
	}
}

// skipping is a feed that leaves out one change.
type skipping struct{ p *primary }

func (h skipping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", feedType)
	s := newSender(h.p, w)
	s.small(frameEpoch, string(h.p.epoch))
	n, _ := h.p.capture.newest()
	s.setNext(n) // not the one before
	s.catchUp(r.Context())
	s.flush()
	<-r.Context().Done()
}

func TestAGapIsNotApplied(t *testing.T) {
	w := newWorld(t)
	w.handler.set(nil)
	w.gate.cut()
	eventually(t, "the feed is left", func() bool { return w.primary.Status().Followers == 0 })
	had := w.replica.Status().Position
	for range 2 {
		w.insert("x")
		w.primary.Position(soon(t))
	}
	w.handler.set(skipping{w.primary.side.(*primary)})
	eventually(t, "the gap is noticed", func() bool { return w.replica.Status().Err == errGap })
	if at := w.replica.Status().Position; at != had {
		t.Errorf("the replica went from %s to %s over a gap", had, at)
	}
	before := w.snapshots()
	w.handler.set(w.primary.Feed())
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 2 || w.snapshots() == before {
		t.Errorf("%d notes and %d snapshots after the gap, want 2 and more than %d", n, w.snapshots(), before)
	}
}

func TestALostConnectionIsResumed(t *testing.T) {
	w := newWorld(t)
	before := w.snapshots()
	for i := range 5 {
		w.gate.cut()
		w.insert(fmt.Sprint("note ", i))
		w.sync()
	}
	if n := w.snapshots() - before; n != 0 {
		t.Errorf("%d snapshots because of lost connections, want none", n)
	}
}

// TestLostChangesBeginAnEpoch: where the captured changes do not continue, the
// same number may name something else.
func TestLostChangesBeginAnEpoch(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(t *testing.T, path string)
	}{
		{"the captured changes are gone", func(t *testing.T, path string) {
			if err := os.RemoveAll(metaDir(path)); err != nil {
				t.Fatal(err)
			}
		}},
		{"the file is gone", func(t *testing.T, path string) {
			for _, name := range []string{path, path + "-wal", path + "-shm"} {
				if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
		}},
		{"the epoch is gone", func(t *testing.T, path string) { remove(t, epochFile(path)) }},
		{"a captured change is damaged", func(t *testing.T, path string) {
			files, err := ltxFiles(filepath.Join(metaDir(path), "ltx", "0"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, files[0].path, "nonsense")
		}},
		{"the WAL was lost, as when the power fails", func(t *testing.T, path string) { remove(t, path+"-wal") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.insert("lost, perhaps")
			w.sync()
			before := w.primary.State().Epoch
			w.stopPrimary()
			tt.lose(t, w.path("primary"))
			w.startPrimary()
			if after := w.primary.State().Epoch; after == before || after == "" {
				t.Fatalf("epoch is %q, as before", after)
			}
			w.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
			w.insert("after")
			eventually(t, "the replica has the new epoch", func() bool {
				return w.replica.State().Epoch == w.primary.State().Epoch
			})
			w.sync()
			if got, want := number(t, w.replica, "SELECT count(*) FROM notes"), number(t, w.primary, "SELECT count(*) FROM notes"); got != want {
				t.Errorf("%d notes on the replica, %d on the primary", got, want)
			}
		})
	}
}

func TestAReplicaThatWasAwayForLongTakesASnapshot(t *testing.T) {
	w := newWorld(t)
	w.stopReplica()
	for range 20 {
		w.insert("x")
		w.primary.Position(soon(t))
	}
	p := w.primary.side.(*primary)
	if err := p.prune(5, keepBytes); err != nil {
		t.Fatal(err)
	}
	if files, err := ltxFiles(p.capture.dir()); err != nil || len(files) != 5 {
		t.Fatalf("%d files kept, %v; want 5", len(files), err)
	}
	w.startReplica()
	w.insert("y")
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 21 {
		t.Errorf("%d notes, want 21", n)
	}
	if n := w.snapshots(); n != 1 {
		t.Errorf("%d snapshots, want 1", n)
	}
}

func TestPruningSparesTheNewestAndWhatAFollowerNeeds(t *testing.T) {
	w := newWorld(t)
	w.stopReplica()
	p := w.primary.side.(*primary)
	var next uint64
	for range 10 {
		w.insert("x")
		pos, err := w.primary.Position(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		next, _ = parseTXID(string(pos))
	}
	wants := next - 3
	unpin := p.pin(&wants)
	for range 2 {
		if err := p.prune(0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := ltxFiles(p.capture.dir()); len(files) != 4 {
		t.Errorf("%d files kept, want the 4 that a follower is to read", len(files))
	}
	unpin()
	if err := p.prune(0, 0); err != nil {
		t.Fatal(err)
	}
	if files, _ := ltxFiles(p.capture.dir()); len(files) != 1 || files[0].n != next {
		t.Errorf("%+v kept, want the newest", files)
	}
	w.insert("and on")
	if pos, err := w.primary.Position(soon(t)); err != nil || pos != formatTXID(next+1) {
		t.Errorf("position is %s, %v; want %s", pos, err, formatTXID(next+1))
	}
}

func TestCommitsOfOtherProgramsAreCaptured(t *testing.T) {
	w := newWorld(t)
	db := openSQL(dsn(w.path("primary"), "mode=rw", "_pragma=wal_autocheckpoint(0)"), noHooks)
	defer db.Close()
	if _, err := db.Exec("INSERT INTO notes (text) VALUES ('from elsewhere')"); err != nil {
		t.Fatal(err)
	}
	p, err := w.primary.Position(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.replica.Wait(soon(t), p); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
	// And without anybody asking.
	if _, err := db.Exec("INSERT INTO notes (text) VALUES ('again')"); err != nil {
		t.Fatal(err)
	}
	next, _ := parseTXID(string(p))
	if err := w.replica.Wait(soon(t), formatTXID(next+1)); err != nil {
		t.Fatal(err)
	}
}

// TestADifferentPageSizeIsOneClearError: SQLite cannot change it under readers.
func TestADifferentPageSizeIsOneClearError(t *testing.T) {
	w := newWorld(t)
	w.stopPrimary()
	for _, name := range []string{w.path("primary"), w.path("primary") + "-wal"} {
		remove(t, name)
	}
	db := openSQL(dsn(w.path("primary"), "_pragma=page_size(8192)"), noHooks)
	if _, err := db.Exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	w.startPrimary()
	eventually(t, "the error is shown", func() bool {
		err := w.replica.Status().Err
		return err != nil && strings.Contains(err.Error(), "8192")
	})
	if s := w.replica.State(); s.Role != machine.None {
		t.Errorf("state is %+v, want no role", s)
	}
	if err := w.replica.Status().Err; strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func TestOpenReplicaWithoutPrimary(t *testing.T) {
	w := newWorld(t)
	w.stopReplica()
	remove(t, markFile(w.path("replica")))
	addr := w.feed.Listener.Addr().String()
	w.handler.set(nil)
	w.startReplica()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.replica.Wait(ctx, "0000000000000001"); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v, want the context's error", err)
	}
	if p, err := w.replica.Position(ctx); p != "" || err != nil {
		t.Errorf("Position: %q, %v; want zero", p, err)
	}
	w.handler.set(w.primary.Feed())
	w.sync()
	if !strings.Contains(w.feed.URL, addr) {
		t.Fatal("the feed moved")
	}
}

func TestConfigErrorsComeAllAtOnceAndClear(t *testing.T) {
	_, err := Open(t.Context(), Config{Path: "a?b", Role: machine.Replica, Feed: "127.0.0.1:7900"})
	for _, want := range []string{`"a?b"`, "http://127.0.0.1:7900"} {
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `\`, ""), strings.Trim(want, `"`)) && !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not speak of %s", err, want)
		}
	}
	for _, cfg := range []Config{{}, {Path: "x"}, {Path: ":memory:", Role: machine.Primary}} {
		if _, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("Open(%+v) succeeded", cfg)
		}
	}
}

func TestAPathThatCannotBeWrittenIsOneLine(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing", "app.db"), dir} {
		_, err := Open(t.Context(), Config{Path: path, Role: machine.Primary, Logger: quiet()})
		if err == nil {
			t.Fatalf("Open(%s) succeeded", path)
		}
		if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) || !strings.Contains(text, "unable to open database file") {
			t.Errorf("Open(%s): %q; want one line with the path and the reason", path, text)
		}
	}
}
