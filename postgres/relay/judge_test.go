package relay

import (
	"context"
	"testing"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

// TestJudge asks a judge for whom the role was one thing, is another now, and is a
// third after a look.
func TestJudge(t *testing.T) {
	const (
		none, primary, replica = machine.None, machine.Primary, machine.Replica
		refusal, collision     = "25006", "40001"
	)
	failed := func(code string) func(*judge, machine.Role) trail.Mark {
		return func(j *judge, self machine.Role) trail.Mark { return j.failed(context.Background(), code, self) }
	}
	unreached := func(code string) func(*judge, machine.Role) trail.Mark {
		return func(j *judge, self machine.Role) trail.Mark { return j.unreached(context.Background(), code, self) }
	}
	did := func(e meaning.Effect) func(*judge, machine.Role) trail.Mark {
		return func(j *judge, self machine.Role) trail.Mark { return j.did(context.Background(), e, self) }
	}
	for _, tt := range []struct {
		name             string
		was, is, becomes machine.Role
		self             machine.Role // as the server says
		ask              func(*judge, machine.Role) trail.Mark
		want             trail.Mark
	}{
		{"lost with a primary that is gone", primary, none, none, none, failed(connectionLost), trail.Lost},
		{"lost with a primary", primary, primary, primary, none, failed(connectionLost), trail.Lost},
		{"lost with a replica that is gone", replica, none, none, none, failed(connectionLost), trail.Conflict},
		{"lost with who said it is a primary", none, none, none, primary, failed(connectionLost), trail.Lost},
		{"lost with nobody knows whom", none, none, none, none, failed(connectionLost), trail.Conflict},
		{"a collision on a replica", none, replica, replica, none, failed(collision), trail.Conflict},
		{"a collision on a primary", none, primary, primary, none, failed(collision), 0},
		{"a collision where a look finds a primary", none, none, primary, none, failed(collision), 0},
		{"a refusal, and nobody knows", none, none, none, none, failed(refusal), trail.Refused},
		{"a refusal by who says it is a primary", none, none, none, primary, failed(refusal), 0},
		{"a refusal by a replica, against what it says", none, replica, replica, primary, failed(refusal), trail.Refused},
		{"what a primary does not know", none, primary, primary, none, failed("0A000"), 0},
		{"what a replica does not know", none, replica, replica, none, failed("0A000"), trail.Refused},
		{"the app's own error", none, replica, replica, none, failed("42601"), 0},
		{"no connection to a primary that is gone", primary, primary, none, none, unreached(connectionLost), trail.Conflict},
		{"no connection to a primary", primary, primary, primary, none, unreached(connectionLost), 0},
		{"no connection to a primary for a wrong password", primary, primary, none, none, unreached("28P01"), 0},
		{"no connection to a replica", replica, replica, replica, none, unreached("28P01"), trail.Conflict},
		{"a change on who was a replica", replica, replica, replica, none, did(meaning.Changed), trail.Wrote},
		{"perhaps a change on a replica", replica, replica, replica, none, did(meaning.Perhaps), 0},
		{"perhaps a change on who says it is a replica", none, none, none, replica, did(meaning.Perhaps), 0},
		{"perhaps a change, and nobody knows", none, none, none, none, did(meaning.Perhaps), trail.Wrote},
	} {
		t.Run(tt.name, func(t *testing.T) {
			role := tt.was
			j := judge{role: func() machine.Role { return role }, look: func(context.Context) { role = tt.becomes }, logger: quiet}
			j.known(none)
			role = tt.is
			if got := tt.ask(&j, tt.self); got != tt.want {
				t.Errorf("%q, want %q", names[got], names[tt.want])
			}
		})
	}
}
