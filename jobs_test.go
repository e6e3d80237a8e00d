package homing

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/machine"
	"homing/position"
	"homing/replay"
)

func tokenIn(epoch position.Epoch, p position.Position) string {
	return sealedBy(position.Keys{}, position.Token{Engine: "fake", Epoch: epoch, Position: p})
}

func TestAWorkerWaitsForWhatItsJobBuildsOn(t *testing.T) {
	const limit = time.Minute
	for _, tt := range []struct {
		name  string
		role  machine.Role
		token func() string
		later func(*fakeDB) // what happens after a second
		after time.Duration // when Wait returns
		want  string        // part of the error
	}{
		{"no token", machine.Replica, func() string { return "" }, nil, 0, ""},
		{"reached", machine.Replica, func() string { return tokenIn("h:1", "5") }, nil, 0, ""},
		{"arrives", machine.Replica, func() string { return tokenIn("h:1", "6") }, func(db *fakeDB) { db.Advance("6") }, time.Second, ""},
		{"does not arrive", machine.Replica, func() string { return tokenIn("h:1", "6") }, nil, limit, "deadline exceeded"},
		{"the primary", machine.Primary, func() string { return tokenIn("h:1", "6") }, nil, 0, ""},
		{"the primary, and an older line of history", machine.Primary, func() string { return tokenIn("h:0", "6") }, nil, 0, ""},
		{"an older line of history", machine.Replica, func() string { return tokenIn("h:0", "4") }, nil, 0, "another line of history"},
		{"another database", machine.Replica, func() string { return tokenIn("x:1", "4") }, nil, 0, "another line of history"},
		{"a newer line of history, which arrives", machine.Replica, func() string { return tokenIn("h:2", "5") },
			func(db *fakeDB) { of(db, "h:2") }, time.Second, ""},
		{"a newer line of history, which does not", machine.Replica, func() string { return tokenIn("h:2", "5") }, nil, limit, "deadline exceeded"},
		{"the database comes back", machine.None, func() string { return tokenIn("h:1", "5") },
			func(db *fakeDB) { db.set(func(db *fakeDB) { db.state.Role = machine.Replica }) }, time.Second, ""},
		{"a time", machine.Replica, func() string {
			return sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(5 * time.Second)})
		}, nil, 5 * time.Second, ""},
		{"a time that is far", machine.Replica, func() string {
			return sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(time.Hour)})
		}, nil, limit, "deadline exceeded"},
		{"no position of this engine", machine.Replica, func() string { return tokenIn("h:1", "x") }, nil, 0, "not a position"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := of(newDB(tt.role, "5"), "h:1")
				s := newSite(t, Config{Env: replicaIn(), Database: db})
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				if tt.later != nil {
					time.AfterFunc(time.Second, func() { tt.later(db) })
				}
				begun := time.Now()
				err := s.Wait(ctx, tt.token())
				if took := time.Since(begun); took < tt.after || took > tt.after+roleInterval {
					t.Errorf("returned after %v, want %v", took, tt.after)
				}
				switch {
				case tt.want == "" && err != nil:
					t.Error(err)
				case tt.want != "" && (!errors.Is(err, ErrBehind) || !strings.Contains(err.Error(), tt.want)):
					t.Errorf("the error is %v, want ErrBehind with %q", err, tt.want)
				}
			})
		})
	}
}

func TestATextThatIsNoTokenIsNotBehind(t *testing.T) {
	forged := tokenIn("h:1", "1")
	s := newSite(t, Config{Env: replicaIn(), Secret: "0123456789abcdef", Database: of(newDB(machine.Replica, "5"), "h:1")})
	for _, text := range []string{"x", forged} {
		err := s.Wait(t.Context(), text)
		if err == nil || errors.Is(err, ErrBehind) || strings.Contains(err.Error(), text+" ") {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

func TestATokenGoesFromARequestIntoAJob(t *testing.T) {
	secret := "0123456789abcdef"
	db := newDB(machine.Primary, "5")
	var job string
	h := newSite(t, Config{Env: primaryIn(), Secret: secret, Database: db}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		db.commit(r.Context())
		job = Token(r.Context())
	}))
	do(h, request("POST", "/"))

	replica := newDB(machine.Replica, "5")
	worker := newSite(t, Config{Env: replicaIn(), Secret: secret, Database: replica})
	if err := worker.Wait(expired, job); !errors.Is(err, ErrBehind) {
		t.Errorf("before it has arrived: %v", err)
	}
	replica.Advance("6")
	if err := worker.Wait(t.Context(), job); err != nil {
		t.Errorf("when it has arrived: %v", err)
	}
	// The same text is understood in a request from one service to another.
	res := do(worker.Handler(http.HandlerFunc(hello)), request("GET", "/", replay.PositionHeader, job))
	if got := decided(t, res); got.Reason != "reached" {
		t.Errorf("a request that carries it is %v", got)
	}
}

func TestWithoutRegionsJobsHaveNothingToWaitFor(t *testing.T) {
	s := newSite(t, Config{})
	if got := s.Token(t.Context()); got != "" {
		t.Errorf("the token is %q", got)
	}
	if got := Token(t.Context()); got != "" {
		t.Errorf("the context's token is %q", got)
	}
	if err := s.Wait(expired, "whatever"); err != nil {
		t.Error(err)
	}
}
