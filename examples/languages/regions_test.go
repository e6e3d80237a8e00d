package languages

import (
	"flag"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homing/decision"
	"homing/postgres/pgtest"
)

var pairs = flag.Int("pairs", 250, "how often each example is written to and then read")

// TestInRegions runs each example in two regions, with the sidecar around it.
func TestInRegions(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Config{Replicas: 1})
	homing := buildHoming(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			w := deploy(t, readExample(t, name), cluster, homing)
			t.Run("a read is served next door", w.testRead)
			t.Run("a write is replayed", w.testWrite)
			t.Run("a refused write is replayed", w.testRefused)
			t.Run("each of many is replayed once", w.testManyRefused)
			t.Run("an author sees the own write", w.testOwnWrite)
			t.Run("each of many does", w.testPairs)
			if name == "node" {
				t.Run("events", w.testEvents)
				t.Run("a WebSocket", w.testSocket)
			}
		})
	}
}

func (w *world) testRead(t *testing.T) {
	l := w.client(home).create(t, "read")
	w.catchUp()
	c := w.client(here)
	for range 3 { // a statement that is used again is prepared
		a := c.get(t, fmt.Sprintf("/links/%d", l.ID))
		var got link
		if a.read(t, &got); got != l {
			t.Errorf("%+v is read as %+v", l, got)
		}
		w.went(t, a.header, here, decision.Read)
		w.went(t, c.get(t, "/links").header, here, decision.Read)
	}
	a := c.get(t, "/links/0")
	if a.status != http.StatusNotFound {
		t.Errorf("what is not there: %v", a)
	}
	w.went(t, a.header, here, decision.Read)
}

func (w *world) testWrite(t *testing.T) {
	a := w.client(here).ask(t, http.MethodPost, "/links", form("written"))
	w.went(t, a.header, home, decision.Method)
	if n := w.kept(t, "written"); a.status != http.StatusCreated || n != 1 {
		t.Errorf("%v, and it was kept %d times", a, n)
	}
	// What fails for another reason fails once, at home.
	a = w.client(here).ask(t, http.MethodPost, "/links", form("written"))
	w.went(t, a.header, home, decision.Method)
	if a.status != http.StatusInternalServerError {
		t.Errorf("a name for the second time: %v", a)
	}
}

// testRefused follows a link, which is a GET: nobody knows that it writes until the
// replica refuses.
func (w *world) testRefused(t *testing.T) {
	l := w.client(home).create(t, "refused")
	w.catchUp()
	c := w.client(here)
	for visits := range int64(3) {
		w.went(t, c.visit(t, "refused").header, home, decision.Captured)
		if got := c.show(t, l.ID).Visits; got != visits+1 {
			t.Errorf("after %d visits %d are seen", visits+1, got)
		}
		w.catchUp()
	}
	w.client(home).visit(t, "refused")
	if got := w.client(home).show(t, l.ID).Visits; got != 4 {
		t.Errorf("of 4 visits %d were counted", got)
	}
}

// testManyRefused has many write at the same time where they are refused, with others
// reading between them: no visit is lost, and none counted twice.
func (w *world) testManyRefused(t *testing.T) {
	l := w.client(home).create(t, "crowded")
	w.catchUp()
	const crowd, visits = 8, 5
	var clients sync.WaitGroup
	for range crowd {
		clients.Go(func() {
			c := w.client(here)
			for range visits {
				a, err := c.do(http.MethodGet, "/go/crowded", nil)
				if err != nil || a.status != http.StatusFound {
					t.Errorf("a visit: %v, %v", a, err)
				}
				if a, err := w.client(here).do(http.MethodGet, "/links", nil); err != nil || a.status != http.StatusOK {
					t.Errorf("a read meanwhile: %v, %v", a, err)
				}
			}
		})
	}
	clients.Wait()
	if got := w.client(home).show(t, l.ID).Visits; got != crowd*visits {
		t.Errorf("of %d visits %d were counted", crowd*visits, got)
	}
}

func (w *world) testOwnWrite(t *testing.T) {
	release := w.hold()
	author, other := w.client(here), w.client(here)
	l := author.create(t, "own")
	path := fmt.Sprintf("/links/%d", l.ID)
	var got link
	a := author.get(t, path)
	if a.read(t, &got); got != l {
		t.Errorf("its author sees %v", a)
	}
	w.went(t, a.header, home, decision.Stale)
	if a = other.get(t, path); a.status != http.StatusNotFound {
		t.Errorf("somebody else sees %v, and the replica has not got it", a)
	}
	w.went(t, a.header, here, decision.Read)
	release()
	w.catchUp()
	if a = author.get(t, path); a.status != http.StatusOK {
		t.Errorf("when the replica has it, its author sees %v", a)
	}
	w.went(t, a.header, here, decision.Reached, decision.Waited)
}

// testPairs writes and reads what was written, again and again, while the replica is
// always a little behind.
func (w *world) testPairs(t *testing.T) {
	replica := w.cluster.Replicas()[0]
	replica.DelayStream(10 * time.Millisecond)
	defer replica.DelayStream(0)
	var next atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			c := w.client(here)
			for n := next.Add(1); n <= int64(*pairs) && !t.Failed(); n = next.Add(1) {
				pair(t, c, fmt.Sprintf("pair-%d", n))
			}
		})
	}
	clients.Wait()
	t.Logf("%d pairs, read for these reasons: %v", *pairs, w.reasons("/links/"))
}

func pair(t *testing.T, c *client, name string) {
	wrote, err := c.do(http.MethodPost, "/links", form(name))
	var l, got link
	if wrote.read(t, &l); err != nil || l.Name != name {
		t.Errorf("writing %s: %v, %v", name, wrote, err)
		return
	}
	read, err := c.do(http.MethodGet, fmt.Sprintf("/links/%d", l.ID), nil)
	if read.read(t, &got); err != nil || got != l {
		t.Errorf("after writing %+v it is read as %v, %v", l, read, err)
	}
}

// kept is how many links have a name, on the primary.
func (w *world) kept(t *testing.T, name string) (n int) {
	t.Helper()
	var all []link
	w.client(home).get(t, "/links").read(t, &all)
	for _, l := range all {
		if l.Name == name {
			n++
		}
	}
	return n
}
