package suite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"homing/decision"
	"homing/examples/links"
	"homing/homingtest"
)

// trial is one test with the world that it is for.
type trial struct {
	*testing.T
	world *homingtest.World
}

var behaviours = []struct {
	name string
	test func(*trial)
}{
	{"a create runs once, at home, and is seen by its author", testCreate},
	{"a read is served by the replica", testRead},
	{"a GET that writes is found out, though nobody hears of the error", testFollow},
	{"a transaction that writes late is found out", testLucky},
	{"a GET that is marked goes home at once", testUndo},
	{"a delete runs at home", testDelete},
}

func testCreate(t *trial) {
	t.world.HoldReplication(Here)
	author, other := t.world.Client(Here), t.world.Client(Here)
	l := t.create(author, "created")
	t.went(t.world.Last(), Home, decision.Method)
	if n := t.count("SELECT count(*) FROM links WHERE name = 'created'"); n != 1 {
		t.Errorf("it was created %d times", n)
	}
	if got := t.show(author, l.ID); got != l {
		t.Errorf("its author sees %+v, want %+v", got, l)
	}
	t.went(t.world.Last(), Home, decision.Stale)
	if got := other.Get(path(l)); got.Status != http.StatusNotFound || got.Journey.Region != Here {
		t.Errorf("somebody else in a region that has not heard of it: %d, %v", got.Status, got.Journey)
	}
	t.world.ReleaseReplication(Here)
	t.world.CatchUp()
	if got := t.show(author, l.ID); got != l {
		t.Errorf("then its author sees %+v, want %+v", got, l)
	}
	t.went(t.world.Last(), Here, decision.Reached)
}

func testRead(t *trial) {
	l := t.create(t.world.Client(Home), "read")
	t.world.CatchUp()
	c := t.world.Client(Here)
	for range 3 { // a statement that is used again is prepared
		if got := t.show(c, l.ID); got != l {
			t.Errorf("got %+v, want %+v", got, l)
		}
		t.went(t.world.Last(), Here, decision.Read)
		var all []links.Link
		t.read(c.Get("/links"), &all)
		if len(all) == 0 || all[len(all)-1] != l {
			t.Errorf("the list ends with another link: %+v", all)
		}
		t.went(t.world.Last(), Here, decision.Read)
	}
	if got := c.Get("/links/0"); got.Status != http.StatusNotFound {
		t.Errorf("what is not there is answered with %d %s", got.Status, got.Body)
	}
	t.went(t.world.Last(), Here, decision.Read)
}

func testFollow(t *trial) {
	c := t.world.Client(Here)
	l := t.create(t.world.Client(Home), "followed")
	t.world.CatchUp()
	for visits := range int64(3) {
		t.leads(c.Get("/go/followed"), l)
		t.went(t.world.Last(), Home, decision.Captured)
		if got := t.show(c, l.ID).Visits; got != visits+1 {
			t.Errorf("%d visits are seen after %d", got, visits+1)
		}
		t.world.CatchUp() // else it would be sent home as stale
	}
	t.leads(t.world.Client(Home).Get("/go/followed"), l)
	t.went(t.world.Last(), Home, decision.Primary)
	if n := t.count("SELECT visits FROM links WHERE name = 'followed'"); n != 4 {
		t.Errorf("%d visits were counted of 4", n)
	}
}

func testLucky(t *trial) {
	c := t.world.Client(Here)
	l := t.create(t.world.Client(Home), "lucky")
	t.count("UPDATE links SET visits = 100 WHERE name <> 'lucky' RETURNING 0")
	t.world.CatchUp()
	for range 3 {
		t.leads(c.Get("/lucky"), l)
		t.went(t.world.Last(), Home, decision.Captured)
		t.world.CatchUp()
	}
	if got := t.show(c, l.ID).Visits; got != 3 {
		t.Errorf("%d visits are seen after 3", got)
	}
}

func testUndo(t *trial) {
	c := t.world.Client(Here)
	l := t.create(c, "undone")
	if got := t.world.Client(Here).Get(path(l) + "/undo"); got.Status != http.StatusOK {
		t.Errorf("undo: %d %s", got.Status, got.Body)
	}
	t.went(t.world.Last(), Home, decision.Method)
	if n := t.count("SELECT count(*) FROM links WHERE name = 'undone'"); n != 0 {
		t.Error("it is still there")
	}
}

func testDelete(t *trial) {
	c := t.world.Client(Here)
	l := t.create(c, "deleted")
	req, _ := http.NewRequest(http.MethodDelete, path(l), nil)
	got, err := c.Do(req)
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("%v, %v", got, err)
	}
	t.went(got.Journey, Home, decision.Method)
	if got := c.Get(path(l)); got.Status != http.StatusNotFound {
		t.Errorf("whoever deleted it still sees it: %v", got.Journey)
	}
}

func path(l links.Link) string { return fmt.Sprintf("/links/%d", l.ID) }

// create creates a link that leads to another host, so that clients do not follow it.
func (t *trial) create(c *homingtest.Client, name string) (l links.Link) {
	t.Helper()
	to := "http://" + name + ".test/"
	got := c.PostForm("/links", url.Values{"name": {name}, "url": {to}})
	t.read(got, &l)
	if got.Status != http.StatusCreated || l.ID == 0 || l.Name != name || l.URL != to {
		t.Fatalf("creating %s: %d %s", name, got.Status, got.Body)
	}
	return l
}

func (t *trial) show(c *homingtest.Client, id int64) (l links.Link) {
	t.Helper()
	t.read(c.Get(path(links.Link{ID: id})), &l)
	return l
}

func (t *trial) read(got *homingtest.Response, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.Body), v); err != nil {
		t.Errorf("%d %q: %v (%v)", got.Status, got.Body, err, got.Journey)
	}
}

func (t *trial) leads(got *homingtest.Response, l links.Link) {
	t.Helper()
	if got.Status != http.StatusFound || got.Header.Get("Location") != l.URL {
		t.Errorf("%d %s leads to %q, want %q (%v)", got.Status, got.Body, got.Header.Get("Location"), l.URL, got.Journey)
	}
}

// went checks who answered and why, and that nobody was asked besides.
func (t *trial) went(j homingtest.Journey, to string, why decision.Reason) {
	t.Helper()
	hops := 1
	if why.IsHome() {
		hops = 2
	}
	if string(j.Region) != to || j.Reason != why || len(j.Hops) != hops {
		t.Errorf("want %s, because of %s: %v", to, why, j)
	}
}

// count asks the primary for a number.
func (t *trial) count(query string) (n int) {
	t.Helper()
	rows, err := t.world.SQL(Home).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
