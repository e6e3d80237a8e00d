// Package positiontest is the suite that every engine passes: how a database
// says how far it has got, and how a replica is waited for.
//
//	func TestPositions(t *testing.T) {
//		positiontest.Run(t, func(t *testing.T) positiontest.Cluster { … })
//	}
package positiontest

import (
	"context"
	"testing"
	"time"

	"homing/machine"
	"homing/position"
)

// Database is what package homing needs of an engine.
type Database interface {
	// State is what the database is now, without I/O.
	State() position.State
	// Position is the newest: on a primary it covers every commit that finished
	// before the call.
	Position(context.Context) (position.Position, error)
	// Wait returns nil once reads see the position, an error when ctx ends first
	// or when the position is malformed.
	Wait(context.Context, position.Position) error
}

// Cluster is a primary and a replica of it, running, which open's t cleans up.
type Cluster struct {
	Primary, Replica Database

	// Write commits one change on the primary, and Count says how many of them a
	// query of the replica sees. Both may be called by several goroutines.
	Write func(context.Context) error
	Count func(context.Context) (int, error)

	// Hold stops replication and returns once nothing gets through; Release
	// lets it go on.
	Hold, Release func()

	// Unissued is a well-formed position of this epoch that the primary will not
	// reach during the test.
	Unissued position.Position
	// Malformed are texts which no position of this engine looks like.
	Malformed []position.Position

	// Waiting is how many wait on the replica now; nil: unknown.
	Waiting func() int
}

const (
	// patience is how long what must happen may take on a slow machine.
	patience = 30 * time.Second
	// blink is how long a wait that must not be granted is given.
	blink = 50 * time.Millisecond
)

// Run opens one cluster and checks it.
func Run(t *testing.T, open func(*testing.T) Cluster) {
	c := open(t)
	c.catchUp(t)
	for _, tt := range []struct {
		name string
		run  func(*testing.T, Cluster)
	}{
		{"the roles and the epoch are known", testState},
		{"a position covers one's own commit", testOwnCommit},
		{"a position covers a commit that another made before", testOthersCommit},
		{"what is reached is granted at once, to an ended context too", testReached},
		{"the zero position is reached", testZero},
		{"held replication holds waits, and lets them go", testHold},
		{"a wait ends with its context", testCancel},
		{"a position that was never issued is never reached", testUnissued},
		{"a malformed position is an error", testMalformed},
		{"many wait for many positions", testMany},
		{"the primary has reached its own positions", testPrimaryWait},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, c) })
		if c.Waiting != nil {
			if n := c.Waiting(); n != 0 {
				t.Errorf("%s: %d still waiting afterwards, want 0", tt.name, n)
			}
		}
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// write commits and returns a position that covers it.
func (c Cluster) write(t *testing.T) position.Position {
	t.Helper()
	if err := c.Write(within(t, patience)); err != nil {
		t.Fatalf("Write: %v", err)
	}
	p, err := c.Primary.Position(within(t, patience))
	if err != nil {
		t.Fatalf("Position: %v", err)
	}
	if p == "" {
		t.Fatal("the primary's position is zero after a write")
	}
	return p
}

func (c Cluster) wait(t *testing.T, p position.Position) {
	t.Helper()
	if err := c.Replica.Wait(within(t, patience), p); err != nil {
		t.Fatalf("Wait(%q) on the replica: %v", p, err)
	}
}

func (c Cluster) count(t *testing.T) int {
	t.Helper()
	n, err := c.Count(within(t, patience))
	if err != nil {
		t.Fatalf("Count: %v", err)
	}
	return n
}

// catchUp writes, and waits until the replica has it.
func (c Cluster) catchUp(t *testing.T) position.Position {
	t.Helper()
	p := c.write(t)
	c.wait(t, p)
	return p
}

// refused wants a wait that is not granted in the time given.
func refused(t *testing.T, db Database, p position.Position) {
	t.Helper()
	if err := db.Wait(within(t, blink), p); err == nil {
		t.Fatalf("Wait(%q) was granted", p)
	}
}

func testState(t *testing.T, c Cluster) {
	primary, replica := c.Primary.State(), c.Replica.State()
	if primary.Role != machine.Primary || replica.Role != machine.Replica {
		t.Errorf("roles are %s and %s, want primary and replica", primary.Role, replica.Role)
	}
	if primary.Engine == "" || primary.Engine != replica.Engine {
		t.Errorf("engines are %q and %q, want the same name", primary.Engine, replica.Engine)
	}
	if primary.Epoch != replica.Epoch {
		t.Errorf("epochs are %q and %q, want the same", primary.Epoch, replica.Epoch)
	}
}

func testOwnCommit(t *testing.T, c Cluster) {
	for range 20 {
		before := c.count(t)
		c.catchUp(t)
		if after := c.count(t); after != before+1 {
			t.Fatalf("%d rows after waiting for the %dth, want %d", after, before+1, before+1)
		}
	}
}

func testOthersCommit(t *testing.T, c Cluster) {
	c.catchUp(t)
	before := c.count(t)
	const writers = 8
	done := make(chan error)
	for range writers {
		go func() { done <- c.Write(t.Context()) }()
	}
	for i := range writers {
		if err := <-done; err != nil {
			t.Fatalf("Write: %v", err)
		}
		p, err := c.Primary.Position(within(t, patience))
		if err != nil {
			t.Fatalf("Position: %v", err)
		}
		c.wait(t, p)
		if n := c.count(t) - before; n < i+1 {
			t.Fatalf("the replica sees %d rows at %q, want at least the %d that were committed before it was asked for", n, p, i+1)
		}
	}
}

func testReached(t *testing.T, c Cluster) {
	p := c.catchUp(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Replica.Wait(ended, p); err != nil {
		t.Errorf("Wait for a position that is reached: %v, want nil", err)
	}
	has, err := c.Replica.Position(within(t, patience))
	if err != nil {
		t.Fatalf("Position on the replica: %v", err)
	}
	if err := c.Replica.Wait(ended, has); err != nil {
		t.Errorf("Wait for the replica's own position: %v, want nil", err)
	}
}

func testZero(t *testing.T, c Cluster) {
	for _, db := range []Database{c.Primary, c.Replica} {
		if err := db.Wait(within(t, patience), ""); err != nil {
			t.Errorf("Wait for the zero position on the %s: %v, want nil", db.State().Role, err)
		}
	}
}

func testHold(t *testing.T, c Cluster) {
	c.catchUp(t)
	before := c.count(t)
	c.Hold()
	defer c.Release()
	p := c.write(t)
	refused(t, c.Replica, p)
	if n := c.count(t); n != before {
		t.Fatalf("the replica sees %d rows while replication is held, want %d", n, before)
	}
	granted := make(chan error, 1)
	go func() { granted <- c.Replica.Wait(within(t, patience), p) }()
	c.Release()
	if err := <-granted; err != nil {
		t.Fatalf("Wait after Release: %v", err)
	}
	if n := c.count(t); n != before+1 {
		t.Errorf("the replica sees %d rows after Release, want %d", n, before+1)
	}
}

func testCancel(t *testing.T, c Cluster) {
	c.catchUp(t)
	c.Hold()
	defer c.Release()
	p := c.write(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Replica.Wait(ctx, p) }()
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a wait that was cancelled was granted")
		}
	case <-time.After(patience):
		t.Fatal("a wait outlived its context")
	}
}

func testUnissued(t *testing.T, c Cluster) {
	for _, db := range []Database{c.Primary, c.Replica} {
		if db.Wait(within(t, blink), c.Unissued) == nil {
			t.Errorf("the %s has reached %q, which was never issued", db.State().Role, c.Unissued)
		}
	}
}

func testMalformed(t *testing.T, c Cluster) {
	for _, p := range c.Malformed {
		for _, db := range []Database{c.Primary, c.Replica} {
			ctx := within(t, patience)
			if err := db.Wait(ctx, p); err == nil {
				t.Errorf("Wait(%q) on the %s was granted", p, db.State().Role)
			}
			if ctx.Err() != nil {
				t.Errorf("Wait(%q) on the %s waited; want an error at once", p, db.State().Role)
			}
		}
	}
}

func testMany(t *testing.T, c Cluster) {
	c.catchUp(t)
	c.Hold()
	defer c.Release()
	const positions, each = 5, 20
	granted := make(chan error)
	for range positions {
		p := c.write(t)
		for range each {
			go func() { granted <- c.Replica.Wait(within(t, patience), p) }()
		}
	}
	c.Release()
	for range positions * each {
		if err := <-granted; err != nil {
			t.Errorf("Wait: %v", err)
		}
	}
}

func testPrimaryWait(t *testing.T, c Cluster) {
	p := c.write(t)
	if err := c.Primary.Wait(within(t, patience), p); err != nil {
		t.Errorf("Wait on the primary for its own position: %v", err)
	}
}
