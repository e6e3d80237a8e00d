package suite

import (
	"net/http"
	"testing"

	"homing/decision"
	"homing/postgres"
)

// testWays tries each way by GET and by POST in the replica's region, and by GET in the
// primary's.
func (s *started) testWays(t *trial) {
	t.create(t.world.Client(Home), "way")
	for _, kind := range []struct {
		ways func(*postgres.DB) map[string]Way
		test func(t *trial, path string)
	}{{s.stack.Seen, testSeen}, {s.stack.Unseen, testUnseen}} {
		if kind.ways == nil {
			continue
		}
		for name := range kind.ways(s.primary) {
			t.Run(name, func(sub *testing.T) {
				trial := &trial{T: sub, world: t.world.For(sub)}
				trial.world.CatchUp()
				kind.test(trial, "/ways/"+name)
			})
		}
	}
}

func testSeen(t *trial, path string) {
	before := t.visits()
	for range 2 {
		if got := t.world.Client(Here).Get(path); got.Status != http.StatusOK {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		t.went(t.world.Last(), Home, decision.Captured)
	}
	got := t.world.Client(Home).Get(path)
	if len(got.Header["Homing-Position"]) == 0 {
		t.Error("whoever wrote so is not told how far to read")
	}
	if n := t.visits() - before; n != 3 {
		t.Errorf("it was done %d times, not 3", n)
	}
}

// testUnseen shows what a missing context costs: nothing where the method tells that a
// request writes; else the app's own error where a replica is, and at home a client that
// may not see at once what it did.
func testUnseen(t *trial, path string) {
	before := t.visits()
	if got := t.world.Client(Here).Get(path); got.Status != http.StatusInternalServerError {
		t.Errorf("a write that nobody can see was answered with %d: %v", got.Status, got.Journey)
	}
	t.went(t.world.Last(), Here, decision.Read)
	if got := t.world.Client(Home).Get(path); len(got.Header["Homing-Position"]) != 0 || got.Status != http.StatusOK {
		t.Errorf("at home it was answered with %d and seen: %v", got.Status, got.Journey)
	}
	author := t.world.Client(Here)
	if got := author.Post(path, "", nil); len(got.Header["Homing-Position"]) == 0 || got.Status != http.StatusOK {
		t.Errorf("by POST it was answered with %d: %v", got.Status, got.Journey)
	}
	t.went(t.world.Last(), Home, decision.Method)
	if n := t.visits() - before; n != 2 {
		t.Errorf("it was done %d times, not 2", n)
	}
}

// visits are those of the link that the ways are tried on.
func (t *trial) visits() int { return t.count("SELECT visits FROM links WHERE name = 'way'") }
