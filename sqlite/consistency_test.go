package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const accounts, balance = 300, 1000

// series is a table with the numbers from 1 to %d.
const series = "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < %d) SELECT value FROM n)"

// bank makes a table whose rows fill many pages and whose sum never changes.
func (w *world) bank() {
	w.exec("CREATE TABLE bank (id INTEGER PRIMARY KEY, balance INTEGER, padding TEXT)")
	w.exec(fmt.Sprintf("INSERT INTO bank SELECT value, %d, hex(zeroblob(300)) FROM "+series, balance, accounts))
}

// transfer moves money between many accounts in one transaction.
func (w *world) transfer() error {
	tx, err := w.primary.SQL().Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for range 10 {
		amount := rand.IntN(50)
		for _, q := range []string{"balance - ?", "balance + ?"} {
			if _, err := tx.Exec("UPDATE bank SET balance = "+q+" WHERE id = ?", amount, 1+rand.IntN(accounts)); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// watch reads the replica from several goroutines until stop, and counts.
func (w *world) watch(t *testing.T) (stop func() int64) {
	ctx, cancel := context.WithCancel(t.Context())
	var reads atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := w.audit(i%2 == 0); err != nil {
					t.Errorf("after %d reads: %v", reads.Load(), err)
					return
				}
				reads.Add(1)
			}
		})
	}
	return func() int64 {
		cancel()
		wg.Wait()
		return reads.Load()
	}
}

// audit looks twice in one transaction, so that a state which changes under a
// reader is seen too.
func (w *world) audit(twice bool) error {
	tx, err := w.replica.SQL().Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for range 2 {
		var n, sum int
		if err := tx.QueryRow("SELECT count(*), sum(balance) FROM bank").Scan(&n, &sum); err != nil {
			return err
		}
		if n != accounts || sum != accounts*balance {
			return fmt.Errorf("%d accounts hold %d; want %d and %d", n, sum, accounts, accounts*balance)
		}
		if !twice {
			break
		}
	}
	return nil
}

func (w *world) wantSound(t *testing.T) {
	t.Helper()
	var text string
	if err := w.replica.SQL().QueryRow("PRAGMA integrity_check").Scan(&text); err != nil || text != "ok" {
		t.Errorf("integrity check: %q, %v", text, err)
	}
}

// TestReadersSeeWholeTransactions: changes of many pages, new tables, and a
// database that grows and shrinks, under readers.
func TestReadersSeeWholeTransactions(t *testing.T) {
	w := newWorld(t)
	w.bank()
	w.sync()
	stop := w.watch(t)
	for i := range 60 {
		if err := w.transfer(); err != nil {
			t.Fatal(err)
		}
		switch i % 20 {
		case 5:
			w.exec(fmt.Sprintf("CREATE TABLE extra%d AS SELECT * FROM bank", i))
		case 10:
			w.exec("ALTER TABLE bank ADD COLUMN" + fmt.Sprintf(" more%d TEXT DEFAULT 'x'", i))
		case 15:
			w.exec(fmt.Sprintf("DROP TABLE extra%d", i-10))
			w.exec("VACUUM")
		}
		if i%4 == 0 {
			w.sync()
		}
	}
	w.sync()
	if reads := stop(); reads < 50 {
		t.Errorf("only %d reads", reads)
	}
	w.wantSound(t)
}

// TestASnapshotIsTakenUnderReaders: the file is the same before and after, only
// its content changes at once.
func TestASnapshotIsTakenUnderReaders(t *testing.T) {
	w := newWorld(t)
	w.bank()
	w.sync()
	before := w.snapshots()
	stop := w.watch(t)
	for i := range 8 {
		// Cut off while changes are made and pruned: the follower finds a gap.
		w.handler.set(nil)
		w.gate.cut()
		eventually(t, "the feed is left", func() bool { return w.primary.Status().Followers == 0 })
		for range 3 {
			if err := w.transfer(); err != nil {
				t.Fatal(err)
			}
			w.primary.Position(soon(t))
		}
		if i%3 == 1 {
			w.exec("CREATE TABLE IF NOT EXISTS big AS SELECT * FROM bank")
		} else {
			w.exec("DROP TABLE IF EXISTS big")
			w.exec("VACUUM")
		}
		if err := w.primary.side.(*primary).prune(1, 0); err != nil {
			t.Fatal(err)
		}
		w.handler.set(w.primary.Feed())
		w.sync()
	}
	if reads := stop(); reads < 20 {
		t.Errorf("only %d reads", reads)
	}
	if n := w.snapshots() - before; n == 0 {
		t.Error("no snapshot was taken; the test tests nothing")
	}
	w.wantSound(t)
}

// TestVacuumShrinksTheReplica compares sizes, and content.
func TestVacuumShrinksTheReplica(t *testing.T) {
	w := newWorld(t)
	w.exec(fmt.Sprintf("INSERT INTO notes (text) SELECT hex(randomblob(500)) FROM "+series, 1000))
	w.sync()
	large := number(t, w.replica, "PRAGMA page_count")
	w.exec("DELETE FROM notes WHERE id > 10")
	w.exec("VACUUM")
	w.sync()
	small := number(t, w.replica, "PRAGMA page_count")
	if want := number(t, w.primary, "PRAGMA page_count"); small != want || small > large/10 {
		t.Errorf("the replica has %d pages after %d, the primary %d", small, large, want)
	}
	w.exec(fmt.Sprintf("INSERT INTO notes (text) SELECT hex(randomblob(500)) FROM "+series, 300))
	w.sync()
	if n := number(t, w.replica, "SELECT count(*) FROM notes"); n != 310 {
		t.Errorf("%d notes, want 310", n)
	}
	w.wantSound(t)
	w.exec("DELETE FROM notes")
	w.exec("VACUUM")
	w.sync()
	w.stopReplica()
	want := int64(number(t, w.primary, "PRAGMA page_count") * number(t, w.primary, "PRAGMA page_size"))
	if size := fileSize(w.path("replica")); size != want {
		t.Errorf("the replica's file has %d bytes, want %d", size, want)
	}
}

// TestPooledReadersSeeNewTables: a connection that has read before knows the old
// schema.
func TestPooledReadersSeeNewTables(t *testing.T) {
	w := newWorld(t)
	w.replica.SQL().SetMaxOpenConns(1)
	st, err := w.replica.SQL().Prepare("SELECT count(*) FROM notes")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for i := range 5 {
		w.exec(fmt.Sprintf("CREATE TABLE new%d (x)", i))
		w.insert("x")
		w.sync()
		if n := number(t, w.replica, fmt.Sprintf("SELECT count(*) FROM new%d", i)); n != 0 {
			t.Errorf("new table has %d rows", n)
		}
		var n int
		if err := st.QueryRow().Scan(&n); err != nil || n != i+1 {
			t.Errorf("prepared before: %d, %v; want %d", n, err, i+1)
		}
	}
}

// TestTheReplicasWALIsCutOff: with a reader in the way it waits; without, it
// happens.
func TestTheReplicasWALIsCutOff(t *testing.T) {
	w := newWorld(t)
	w.insert("x")
	w.sync()
	c := w.replica.side.(*replica).copy
	w.stopReplica()
	if size := fileSize(c.path + "-wal"); size > 0 {
		t.Errorf("the WAL of a closed replica has %d bytes", size)
	}
	if names := leftovers(t, w.dir, "replica"); strings.Join(names, " ") != "replica.db replica.db-homing replica.db-homing.lock" {
		t.Errorf("after Close there are %v, want the file, its mark and its lock", names)
	}
	w.startReplica()
	big := func() {
		w.exec("INSERT INTO notes (text) VALUES (zeroblob(?))", trimAbove+1<<20)
		w.sync()
	}
	tx, err := w.replica.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.QueryRow("SELECT 1 FROM notes").Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	big()
	if size := fileSize(c.path + "-wal"); size < trimAbove {
		t.Fatalf("the WAL has only %d bytes; the test tests nothing", size)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for fileSize(c.path+"-wal") >= trimAbove && time.Now().Before(deadline) {
		w.insert("x")
		w.sync()
	}
	if size := fileSize(c.path + "-wal"); size >= trimAbove {
		t.Errorf("the WAL still has %d bytes", size)
	}
	w.wantSound(t)
}
