package homing

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"homing/decision"
	"homing/machine"
	"homing/position"
	"homing/region"
	"homing/replay"
	"homing/trail"
)

func of(db *fakeDB, epoch position.Epoch) *fakeDB {
	db.set(func(db *fakeDB) { db.state.Epoch = epoch })
	return db
}

// TestWhereThePrimaryIsSaidToBe is about machines of a database whose primary was
// in ams, as PRIMARY_REGION says.
func TestWhereThePrimaryIsSaidToBe(t *testing.T) {
	primary := func() *fakeDB { return of(newDB(machine.Primary, "5"), "h:1") }
	replica := func() *fakeDB { return of(newDB(machine.Replica, "5"), "h:1") }
	none := func() *fakeDB { return newDB(machine.None, "") }
	onFly := func(env Env) Env { env.Edge = false; return env }
	home := func(src string) []string { return []string{replay.SourceHeader, src} }
	for _, tt := range []struct {
		name   string
		db     *fakeDB
		env    Env
		told   string
		method string
		src    []string
		want   decision.Reason
		to     string // region
	}{
		{"as configured", replica(), replicaIn(), "ams;epoch=h%3A1", "POST", nil, decision.Method, "ams"},
		{"it has moved", replica(), replicaIn(), "gru;epoch=h%3A2", "POST", nil, decision.Method, "gru"},
		{"it has moved here", primary(), replicaIn(), "ord;epoch=h%3A1", "POST", nil, decision.Primary, ""},
		{"it has moved here, and the edge does not know yet", of(primary(), "h:2"), replicaIn(), "ams;epoch=h%3A1", "POST", nil, decision.Primary, ""},
		{"there is none", replica(), replicaIn(), "none;epoch=h%3A1", "POST", nil, decision.Method, "ams"},
		{"there is none, and a read needs none", replica(), replicaIn(), "none;epoch=h%3A1", "GET", nil, decision.Read, ""},
		{"the database here was replaced", primary(), primaryIn(), "gru;epoch=h%3A2", "GET", nil, decision.Replaced, "gru"},
		{"the database here was replaced, by one that is not to be seen", primary(), primaryIn(), "none;epoch=h%3A2", "POST", nil, decision.Replaced, "ams"},
		{"the database here is down, where it was", none(), primaryIn(), "gru;epoch=h%3A2", "POST", nil, decision.Down, "gru"},
		{"the database here is down, and there is no other", none(), primaryIn(), "none;epoch=h%3A1", "POST", nil, decision.Down, "ams"},
		{"came home, and it has moved on", replica(), primaryIn(), "gru;epoch=h%3A2", "POST", home("region=ord;state=method"), decision.Method, "gru"},
		{"came home, and there is none", replica(), primaryIn(), "none;epoch=h%3A1", "POST", home("region=ord;state=stale"), decision.Stale, "ams"},
		{"came home, and the edge still thinks that it is here", replica(), primaryIn(), "ams;epoch=h%3A1", "POST", home("region=ord;state=method"), decision.Method, "ams"},
		{"came home, and the edge does not know yet", replica(), primaryIn(), "", "POST", home("region=ord;state=method"), decision.Method, "ams"},
		{"came home, and nobody knows of any primary", of(none(), ""), replicaIn(), "", "POST", home("region=ord;state=method"), decision.Returned, ""},
		{"nobody is believed where an edge of ours is not in front", primary(), onFly(primaryIn()), "gru;epoch=h%3A2", "POST", nil, "", ""},
		{"what cannot be read is not believed", primary(), primaryIn(), "!;epoch=h%3A2", "POST", nil, decision.Primary, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newSite(t, Config{Env: tt.env, Database: tt.db, Wait: time.Millisecond}).Handler(http.HandlerFunc(hello))
			res := do(h, request(tt.method, "/", append(tt.src, replay.PrimaryHeader, tt.told)...))
			if tt.env.Edge {
				if got := decided(t, res).Reason; got != tt.want {
					t.Errorf("decided %s, want %s", got, tt.want)
				}
			}
			want := ""
			if tt.to != "" {
				want = "region=" + tt.to + ";state=" + string(tt.want)
			}
			if got := res.Header.Get(replay.Header); got != want {
				t.Errorf("the replay is %q, want %q", got, want)
			}
		})
	}
}

func TestAWaitIsAsLongAsTheWayToWhereThePrimaryIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := replicaIn("HOMING_REGION", "gru", "PRIMARY_REGION", "syd") // 13,000 km
		h := newSite(t, Config{Env: env, Database: newDB(machine.Replica, "5")}).Handler(http.HandlerFunc(hello))
		for _, told := range []string{"syd", "eze"} {
			begun := time.Now()
			res := do(h, request("GET", "/", replay.PrimaryHeader, told+";epoch=e1", replay.PositionHeader, token("9")))
			if got := decided(t, res).Reason; got != decision.Stale {
				t.Fatalf("decided %s", got)
			}
			want, _ := region.RoundTrip("gru", region.Code(told))
			if waited := time.Since(begun); waited != want {
				t.Errorf("with the primary in %s a read waited %v, want %v", told, waited, want)
			}
		}
	})
}

// lagging is a replica that knows how far it is behind.
type lagging struct{ *fakeDB }

func (lagging) Lag() position.Lag {
	return position.Lag{Known: true, Behind: 12 * time.Millisecond, Bytes: 100}
}

func TestAMachineTellsItsEdgeWhatItIs(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  Config
		want string
	}{
		"a primary":                  {Config{Env: primaryIn(), Database: of(newDB(machine.Primary, "5"), "h:1")}, "primary;epoch=h%3A1"},
		"a replica":                  {Config{Env: replicaIn(), Database: lagging{of(newDB(machine.Replica, "5"), "h:1")}}, "replica;epoch=h%3A1;lag=12ms"},
		"down":                       {Config{Env: primaryIn(), Database: of(newDB(machine.None, ""), "")}, "none"},
		"without a database":         {Config{Env: primaryIn()}, ""},
		"not behind an edge of ours": {Config{Env: in("FLY_REGION", "ams"), Database: newDB(machine.Primary, "5")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, tt.cfg).Handler(http.HandlerFunc(hello))
			asked := request("GET", "/.well-known/homing")
			asked.Header.Del(replay.RegionHeader)
			for what, r := range map[string]*http.Request{"a request": request("GET", "/"), "being asked": asked} {
				if got := do(h, r).Header.Get(replay.RoleHeader); got != tt.want {
					t.Errorf("%s: %q, want %q", what, got, tt.want)
				}
			}
			if res := do(h, asked); tt.cfg.Env.Edge && res.StatusCode != http.StatusNoContent {
				t.Errorf("asked: %d", res.StatusCode)
			}
			if res := do(h, request("GET", "/.well-known/homing")); res.StatusCode == http.StatusNoContent {
				t.Error("a client's request was taken for the edge's")
			}
		})
	}
}

func TestAPrimaryThatGoesAway(t *testing.T) {
	for _, tt := range []struct {
		name    string
		env     Env
		marks   trail.Mark
		home    string
		outcome string
	}{
		{"before it was sent anything", primaryIn(), trail.Conflict, "down", ""},
		{"after something was written", primaryIn(), trail.Conflict | trail.Wrote, "", ""},
		{"in the middle", primaryIn(), trail.Lost, "", "unknown"},
		{"in the middle, and could not be reached after that", primaryIn(), trail.Lost | trail.Conflict, "", "unknown"},
		{"where nobody would keep the request", in("FLY_REGION", "ams"), trail.Conflict, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newSite(t, Config{Env: tt.env, Database: newDB(machine.Primary, "5")}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				trail.Leave(r.Context(), tt.marks)
				http.Error(w, "the database is gone", http.StatusInternalServerError)
			}))
			res := do(h, request("POST", "/"))
			if got := sentHome(res); got != tt.home {
				t.Errorf("home for %q, want %q", got, tt.home)
			}
			if got := res.Header.Get("Homing-Outcome"); got != tt.outcome || tt.home == "" && res.StatusCode != 500 {
				t.Errorf("got %d, outcome %q", res.StatusCode, got)
			}
		})
	}
}

// TestAWriteThatWentPastTheReplica to the primary: the position here does not cover
// it.
func TestAWriteThatWentPastTheReplica(t *testing.T) {
	h := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5")}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trail.Leave(r.Context(), trail.Wrote)
		hello(w, r)
	}))
	if tok := given(t, do(h, request("GET", "/"))); !tok.IsWindow() {
		t.Errorf("got %+v", tok)
	}
}
