package homing

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/machine"
	"homing/position"
)

// behind is a replica with a given lag.
type behind struct {
	*fakeDB
	lag position.Lag
}

func (b behind) Lag() position.Lag { return b.lag }

// troubled is a database that knows what keeps it from being used.
type troubled struct{ *fakeDB }

func (troubled) Problem() string { return "the password is wrong" }

func TestHealth(t *testing.T) {
	replica := func(lag position.Lag) Database { return behind{newDB(machine.Replica, "5"), lag} }
	for _, tt := range []struct {
		name   string
		cfg    Config
		status int
		want   string // in the body
	}{
		{"a primary", Config{Env: primaryIn(), Database: newDB(machine.Primary, "5")}, 200, `{"healthy":true,"region":"ams","role":"primary","epoch":"e1","position":"5"}`},
		{"a replica that has all", Config{Env: replicaIn(), Database: replica(position.Lag{Known: true})}, 200, `"role":"replica","epoch":"e1","position":"5","lag_seconds":0,"lag_bytes":0}`},
		{"a replica a little behind", Config{Env: replicaIn(), Database: replica(position.Lag{Known: true, Behind: 9 * time.Second, Bytes: 70})}, 200, `"lag_seconds":9,"lag_bytes":70}`},
		{"a replica too far behind", Config{Env: replicaIn(), Database: replica(position.Lag{Known: true, Behind: 11 * time.Second, Bytes: -1})}, 503, `"why":"the replica is 11s behind, and 10s is the most"`},
		{"a limit of one's own", Config{Env: replicaIn(), MaxLag: time.Second, Database: replica(position.Lag{Known: true, Behind: 2 * time.Second})}, 503, `1s is the most`},
		{"a replica that cannot tell", Config{Env: replicaIn(), Database: replica(position.Lag{})}, 200, `"position":"5"}`},
		{"a database that is down", Config{Env: replicaIn(), Database: newDB(machine.None, "")}, 503, `"healthy":false,"why":"the database here cannot be read`},
		{"a database that says what is wrong", Config{Env: replicaIn(), Database: troubled{newDB(machine.None, "")}}, 503, `"why":"the password is wrong"`},
		{"without a database", Config{Env: replicaIn()}, 200, `"healthy":true`},
		{"without regions", Config{}, 200, `"healthy":true`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := do(newSite(t, tt.cfg).Health(), request("GET", "/healthz"))
			got := body(t, res)
			if res.StatusCode != tt.status || !strings.Contains(got, tt.want) {
				t.Errorf("got %d %s", res.StatusCode, got)
			}
			if !json.Valid([]byte(got)) || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("that is no JSON: %v", res.Header)
			}
		})
	}
}

// testAHealthCheckDoesNotHang runs with a clock of its own.
func testAHealthCheckDoesNotHang(t *testing.T) {
	db := newDB(machine.Replica, "5")
	db.set(func(db *fakeDB) { db.onAsk = func(ctx context.Context) { <-ctx.Done() } })
	res := do(newSite(t, Config{Env: replicaIn(), Database: db}).Health(), request("GET", "/healthz"))
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestAToleratedRefusalSendsNothingHome(t *testing.T) {
	h := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5")}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(r.WithContext(TolerateRefusal(r.Context())))
		hello(w, r)
	}))
	if res := do(h, request("GET", "/")); sentHome(res) != "" || body(t, res) != "hello" {
		t.Errorf("got %d, home for %q", res.StatusCode, sentHome(res))
	}
}
