package sidecar_test

import (
	"testing"
	"time"

	"homing/sidecar"
	"homing/trail"
)

func TestOnlyStatementsOfTheRequestsOwnTimeCount(t *testing.T) {
	var r sidecar.Recent
	at := time.Now()
	after := func(d time.Duration) time.Time { return at.Add(d) }
	if got := r.Since(time.Time{}); got != 0 {
		t.Errorf("nothing has happened: %v", got)
	}
	r.Tell(trail.Refused, after(2))
	r.Tell(trail.Refused, after(1)) // told later, begun earlier
	r.Tell(trail.Wrote|trail.Lost, after(3))
	r.Tell(trail.Conflict, after(4))
	for since, want := range map[time.Duration]trail.Mark{
		0: trail.Refused | trail.Wrote | trail.Lost | trail.Conflict, 2: trail.Refused | trail.Wrote | trail.Lost | trail.Conflict,
		3: trail.Wrote | trail.Lost | trail.Conflict, 4: trail.Conflict, 5: 0,
	} {
		if got := r.Since(after(since)); got != want {
			t.Errorf("since %d: %b, want %b", since, got, want)
		}
	}
}
