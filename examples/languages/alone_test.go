package languages

import (
	"net/http"
	"strings"
	"testing"

	"homing/postgres/pgtest"
)

// TestAlone runs each example without Homing: on the primary it does its work, and on
// a replica it reads, and answers 5xx where its database refuses a write. More is not
// asked of an app.
func TestAlone(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Config{Replicas: 1})
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, db := readExample(t, name), cluster.NewDatabase(t)
			there, here := database(t, db.URL(cluster.Primary())), database(t, db.URL(cluster.Replicas()[0]))
			e.runOnce(t, e.release, there...)
			e.runOnce(t, e.release, there...) // as with each release
			primary, replica := e.start(t, e.command, there...), e.start(t, e.command, here...)
			t.Cleanup(func() { primary.stop(); replica.stop() })
			l := testWork(t, &client{addr: primary.up(t).addr})
			if err := cluster.WaitCaughtUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			testRefused(t, &client{addr: replica.up(t).addr}, l)
		})
	}
}

func testWork(t *testing.T, c *client) link {
	l := c.create(t, "one")
	if got := c.show(t, l.ID); got != l {
		t.Errorf("%+v was kept as %+v", l, got)
	}
	c.visit(t, "one")
	l.Visits++
	var all []link
	c.get(t, "/links").read(t, &all)
	if len(all) != 1 || all[0] != l {
		t.Errorf("want %+v alone: %+v", l, all)
	}
	for _, path := range []string{"/links/0", "/go/nobody", "/nothing"} {
		if a := c.get(t, path); a.status != http.StatusNotFound {
			t.Errorf("%s: %v", path, a)
		}
	}
	if a := c.ask(t, http.MethodPost, "/links", form("one")); a.status != http.StatusInternalServerError {
		t.Errorf("a name for the second time: %v", a)
	}
	return l
}

func testRefused(t *testing.T, c *client, l link) {
	for range 2 {
		if a := c.get(t, "/go/one"); a.status != http.StatusInternalServerError {
			t.Errorf("a refused write in a GET: %v", a)
		}
		if a := c.ask(t, http.MethodPost, "/links", form("two")); a.status != http.StatusInternalServerError {
			t.Errorf("a refused write: %v", a)
		}
		if got := c.show(t, l.ID); got != l {
			t.Errorf("%+v is read as %+v", l, got)
		}
	}
	if a := c.get(t, "/up"); a.status != http.StatusOK || !strings.Contains(a.body, "ok") {
		t.Errorf("health: %v", a)
	}
}
