package dev_test

import (
	"log/slog"
	"testing"
	"time"

	"homing/demo/guestbook"
	"homing/dev"
	"homing/fleet"
	"homing/region"
)

var codes = []region.Code{"ord", "gru", "ams"}

// startCluster runs the guestbook in three regions on PostgreSQL.
func startCluster(t *testing.T, distances fleet.Distances) *dev.World {
	t.Helper()
	w, err := dev.Start(t.Context(), dev.Config{
		Regions: codes, Primary: "ord", Engine: dev.Postgres, Distances: distances,
		App: newBook, Prepare: guestbook.MigratePostgres, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

// TestOnPostgres: what holds on SQLite holds on PostgreSQL.
func TestOnPostgres(t *testing.T) {
	w := startCluster(t, nil)
	for _, tc := range []struct {
		name string
		test func(*testing.T, *dev.World)
	}{
		{"reads are answered where they arrive", testReadsAreLocal},
		{"an own write is seen while replication is held back", testHold},
		{"a region is cut off", testCut},
		{"a machine stops and comes back", testMachineStops},
		{"the primary stops and comes back", testPrimaryStops},
		{"what is far away is behind", testLag},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, w) })
	}
}

func testReadsAreLocal(t *testing.T, w *dev.World) {
	for _, r := range codes {
		if got := newVisitor(t, w, r).list().Region; got != r {
			t.Errorf("a read in %s was answered in %s", r, got)
		}
	}
}

func testHold(t *testing.T, w *dev.World) {
	turn(t, w.Hold("gru", true))
	v, other := newVisitor(t, w, "gru"), newVisitor(t, w, "gru")
	v.write("held back")
	if l := v.list(); l.has("held back") != 1 || l.Region != "ord" {
		t.Errorf("the writer got %d from %s; want 1 from ord", l.has("held back"), l.Region)
	}
	if l := other.list(); l.has("held back") != 0 || l.Region != "gru" {
		t.Errorf("somebody else got %d from %s; want none, from gru", l.has("held back"), l.Region)
	}
	eventually(t, w, "gru is seen to be behind", func(s dev.Status) bool {
		return s.Region == "gru" && s.Held && s.Behind && s.Bytes > 0 && s.Lag > 0
	})
	turn(t, w.Hold("gru", false))
	turn(t, w.CatchUp(t.Context()))
	if l := v.list(); l.has("held back") != 1 || l.Region != "gru" {
		t.Errorf("after replication the writer got %d from %s; want 1 from gru", l.has("held back"), l.Region)
	}
	if err := w.Hold("ord", true); err == nil {
		t.Error("the primary's own replication could be held back")
	}
}

func testMachineStops(t *testing.T, w *dev.World) {
	v := newVisitor(t, w, "gru")
	turn(t, w.Run(t.Context(), "gru", false))
	if got := v.list().Region; got == "gru" {
		t.Error("the stopped machine in gru answered")
	}
	v.write("while gru is stopped")
	turn(t, w.Run(t.Context(), "gru", true))
	turn(t, w.CatchUp(t.Context()))
	if l := v.list(); l.Region != "gru" || l.has("while gru is stopped") != 1 {
		t.Errorf("got %d from %s; want 1 from gru", l.has("while gru is stopped"), l.Region)
	}
}

func testPrimaryStops(t *testing.T, w *dev.World) {
	v := newVisitor(t, w, "ams")
	v.write("before")
	turn(t, w.Run(t.Context(), "ord", false))
	if got := newVisitor(t, w, "ams").list().Region; got != "ams" {
		t.Errorf("a read in ams was answered in %q", got)
	}
	done := make(chan struct{})
	go func() { defer close(done); v.write("waits") }() // at the edge, until there is a primary
	turn(t, w.Run(t.Context(), "ord", true))
	<-done
	turn(t, w.CatchUp(t.Context()))
	if l := v.list(); l.has("before") != 1 || l.has("waits") != 1 {
		t.Errorf("got %d and %d; want the entry from before, and the one that waited", l.has("before"), l.has("waits"))
	}
}

// testLag: what PostgreSQL itself measured is shown.
func testLag(t *testing.T, w *dev.World) {
	newVisitor(t, w, "ord").write("to be measured")
	turn(t, w.CatchUp(t.Context()))
	position := w.Statuses()[0].Position
	for _, s := range w.Statuses() {
		far := s.Region != "ord"
		if s.Behind || s.Bytes != 0 || s.Position == "" || s.Position < position || s.Primary == far || far != (s.Lag > 0) {
			t.Errorf("%+v", s)
		}
	}
}

func (l listing) has(text string) (n int) {
	for _, e := range l.Entries {
		if e.Text == text {
			n++
		}
	}
	return n
}

func turn(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the status of some region is as it should be.
func eventually(t *testing.T, w *dev.World, what string, ok func(dev.Status) bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; {
		for _, s := range w.Statuses() {
			if ok(s) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s: %+v", what, w.Statuses())
		}
		<-time.After(time.Millisecond)
	}
}

// apart is a distance between any two regions.
func apart(a, b region.Code, roundTrip time.Duration) time.Duration {
	if a == b {
		return 0
	}
	return roundTrip
}
