package languages

import (
	"testing"

	"homing/decision"
	"homing/region"
)

// testSockets looks on at a link as it is: here, and at home for whom the replica is
// behind.
func (l *local) testSockets(t *testing.T) {
	author := l.client(here)
	kept := author.create(t, "looked-at")
	l.arrives(t, kept)
	l.look(t, l.client(here), kept, nextDoor, decision.Read, "") // of an upgrade no reason is told

	l.turn(t, "hold", here)
	defer l.turn(t, "release", here)
	author.visit(t, kept.Name)
	kept.Visits++
	l.look(t, author, kept, replayed, decision.Stale)
}

func (l *local) look(t *testing.T, c *client, want link, way []region.Code, why ...decision.Reason) {
	t.Helper()
	s := c.socket(t)
	if got := s.ask(t, want.Name); got != want {
		t.Errorf("the WebSocket tells of %+v, want %+v", got, want)
	}
	s.close()
	l.went(t, s.header, way, why...)
	events := c.events(t, want.Name)
	if got := events.next(t); got != want {
		t.Errorf("the events begin with %+v, want %+v", got, want)
	}
	events.close()
	l.went(t, events.header, way, why...)
}
