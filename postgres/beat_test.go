package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestAnEpochIsRenewedOnce by all who saw the promotion.
func TestAnEpochIsRenewedOnce(t *testing.T) {
	t.Parallel()
	c := needMarksCluster(t)
	conn, err := pgx.Connect(t.Context(), c.NewDatabase(t).DirectURL(c.Primary()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), HeartbeatSQL); err != nil { // as the app's user
		t.Fatal(err)
	}
	h := newHeartbeat("public." + tableOfSQL)
	for range 2 {
		if err := h.renew(t.Context(), conn, 1); err != nil {
			t.Fatal(err)
		}
	}
	var l look
	if err := h.feel(t.Context(), conn, &l); err != nil || l.blind != nil || l.pulse.epoch != 2 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestTheHeartbeatComesFromItsVariable(t *testing.T) {
	withoutLibpq(t)
	c, err := ParseConfigFrom(in("ord"), lookup(map[string]string{"DATABASE_URL": primaryURL, "HOMING_HEARTBEAT": " ops.beats "}))
	if err != nil || c.Heartbeat != "ops.beats" || !strings.Contains(c.String(), `heartbeat="ops.beats"`) {
		t.Errorf("%v, %v", c, err)
	}
}

func TestIsPromoted(t *testing.T) {
	const here, there = 7, 8 // runs of servers
	replica := pulse{history: "h", epoch: 3, last: beat{40, there}, run: here}
	for _, tt := range []struct {
		name        string
		before, now pulse
		want        bool
	}{
		{"the replica that was here", replica, pulse{"h", 3, beat{41, there}, here}, true},
		{"though another machine's beat came first", replica, pulse{"h", 3, beat{42, here}, here}, true},
		{"another machine has noted it", replica, pulse{"h", 4, beat{41, here}, here}, false},
		{"started anew as the primary", replica, pulse{"h", 3, beat{41, there}, 9}, true},
		{"the address leads to the old primary now", replica, pulse{"h", 3, beat{41, there}, there}, false},
		{"another table", replica, pulse{"i", 3, beat{41, there}, here}, false},
		{"no replica was ever here", pulse{}, pulse{"h", 3, beat{41, there}, here}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.now.isPromoted(tt.before); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
