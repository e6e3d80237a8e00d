package homing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/decision"
	"homing/machine"
	"homing/position"
	"homing/replay"
)

// decided returns what the edge is told; a request that was not decided about
// has no reason.
func decided(t testing.TB, res *http.Response) decision.Decision {
	t.Helper()
	d, err := decision.Parse(res.Header.Get(replay.DecisionHeader))
	if err != nil {
		t.Fatalf("%v in %v", err, res.Header)
	}
	return d
}

func TestDecide(t *testing.T) {
	hour := time.Now().Add(time.Hour)
	window := sealedBy(position.Keys{}, position.Token{HomeUntil: hour})
	passed := sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(-time.Minute)})
	otherEpoch := sealedBy(position.Keys{}, position.Token{Engine: "fake", Epoch: "e0", Position: "1"})
	otherEngine := sealedBy(position.Keys{}, position.Token{Engine: "other", Epoch: "e1", Position: "1"})
	var many []string
	for i := range manyTokens + 1 {
		many = append(many, cookie(fmt.Sprint(i), "junk"))
	}
	replica := func() *fakeDB { return newDB(machine.Replica, "5") }
	for _, tt := range []struct {
		name string
		db   *fakeDB
		env  Env
		r    *http.Request
		want decision.Reason
	}{
		{"a primary serves writes", newDB(machine.Primary, "5"), primaryIn(), request("POST", "/"), decision.Primary},
		{"its own role wins over PRIMARY_REGION", newDB(machine.Primary, "5"), replicaIn(), request("POST", "/"), decision.Primary},
		{"its own role wins in PRIMARY_REGION", replica(), primaryIn(), request("POST", "/"), decision.Method},
		{"PRIMARY_REGION while the role is unknown", newDB(machine.None, ""), primaryIn(), request("POST", "/"), decision.Primary},
		{"a primary serves whatever the token", newDB(machine.Primary, "5"), primaryIn(), request("GET", "/", "Cookie", cookie("a", window)), decision.Primary},
		{"a primary serves what came home", newDB(machine.Primary, "5"), primaryIn(), request("GET", "/", replay.SourceHeader, "state=stale"), decision.Primary},
		{"no replica", newDB(machine.None, ""), replicaIn(), request("GET", "/"), decision.Down},
		{"no replica, and a write", newDB(machine.None, ""), replicaIn(), request("POST", "/"), decision.Down},
		{"a write", replica(), replicaIn(), request("DELETE", "/"), decision.Method},
		{"a route that writes", replica(), replicaIn(), request("GET", "/logout"), decision.Method},
		{"a route that reads", replica(), replicaIn(), request("POST", "/search"), decision.Read},
		{"OPTIONS", replica(), replicaIn(), request("OPTIONS", "/"), decision.Read},
		{"a write goes home before its token is waited for", replica(), replicaIn(), request("POST", "/", "Cookie", cookie("a", token("9"))), decision.Method},
		{"a read", replica(), replicaIn(), request("GET", "/"), decision.Read},
		{"reached", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", token("5"))), decision.Reached},
		{"reached, by header", replica(), replicaIn(), request("GET", "/", "Homing-Position", token("5")), decision.Reached},
		{"stale", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", token("6"))), decision.Stale},
		{"stale, by header", replica(), replicaIn(), request("GET", "/", "Homing-Position", token("6")), decision.Stale},
		{"stale, by the second of two joined", replica(), replicaIn(), request("GET", "/", "Homing-Position", token("1")+", "+token("6")), decision.Stale},
		{"stale, by the second header line", replica(), replicaIn(), request("GET", "/", "Homing-Position", token("1"), "Homing-Position", token("6")), decision.Stale},
		{"stale, by one cookie of three", replica(), replicaIn(), request("GET", "/", "Cookie", strings.Join([]string{cookie("a", token("5")), cookie("b", token("6")), cookie("c", token("4"))}, "; ")), decision.Stale},
		{"stale, in the second cookie line", replica(), replicaIn(), request("GET", "/", "Cookie", "x=y", "Cookie", "z; "+cookie("b", token("6"))), decision.Stale},
		{"a token of another epoch", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", otherEpoch)), decision.Stale},
		{"a token of another engine", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", otherEngine)), decision.Stale},
		{"a position that is none", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", token("x"))), decision.Stale},
		{"within the window", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", window)), decision.Threshold},
		{"after the window", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", passed)), decision.Reached},
		{"malformed tokens are ignored", replica(), replicaIn(), request("GET", "/", "Cookie", cookie("a", "1.2"), "Homing-Position", "%"), decision.Read},
		{"too many tokens", replica(), replicaIn(), request("GET", "/", "Cookie", strings.Join(many, ";")), decision.Stale},
		{"as many as are looked at", replica(), replicaIn(), request("GET", "/", "Cookie", strings.Join(many[1:], ";")), decision.Read},
		{"a health check", newDB(machine.None, ""), replicaIn(), request("GET", "/healthz", "Cookie", cookie("a", window)), decision.Local},
		{"a file", newDB(machine.None, ""), replicaIn(), request("GET", "/static/a.css"), decision.Local},
		{"came home, and no primary", replica(), primaryIn(), request("GET", "/", replay.SourceHeader, "region=gru;state=stale"), decision.Stale},
		{"came home, and no database has ever been there", of(newDB(machine.None, ""), ""), replicaIn(), request("POST", "/", replay.SourceHeader, "state=method"), decision.Returned},
		{"replayed for a reason of the app's", replica(), replicaIn(), request("GET", "/", replay.SourceHeader, "state=mine"), decision.Read},
		{"replayed without a reason", replica(), replicaIn(), request("GET", "/", replay.SourceHeader, "region=gru"), decision.Read},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, Config{Env: tt.env, Database: tt.db, Wait: time.Millisecond, WriteRoutes: []string{"/logout"}, ReadRoutes: []string{"POST /search"}})
			res := do(s.Handler(http.HandlerFunc(hello)), tt.r)
			if got := decided(t, res).Reason; got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			switch {
			case tt.want.IsHome():
				if want := "region=ams;state=" + string(tt.want); res.StatusCode != 409 || res.Header.Get(replay.Header) != want {
					t.Errorf("got %d %q, want 409 %q", res.StatusCode, res.Header.Get(replay.Header), want)
				}
			case tt.want == decision.Returned:
				if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || res.Header.Get(replay.Header) != "" {
					t.Errorf("got %d %v", res.StatusCode, res.Header)
				}
			case res.StatusCode != 200 || body(t, res) != "hello":
				t.Errorf("not served: %d", res.StatusCode)
			}
		})
	}
}

func TestWithoutADatabase(t *testing.T) {
	h := newSite(t, Config{Env: replicaIn()}).Handler(http.HandlerFunc(hello))
	if d := decided(t, do(h, request("GET", "/"))); d.Reason != decision.Read || d.Role != machine.Replica {
		t.Errorf("got %v", d)
	}
	if got := sentHome(do(h, request("GET", "/", "Homing-Position", token("1")))); got != "stale" {
		t.Errorf("a position nobody can look for: got %q", got)
	}
	res := do(newSite(t, Config{Env: primaryIn()}).Handler(http.HandlerFunc(hello)), request("POST", "/"))
	if got := sentHome(do(h, request("GET", "/", "Homing-Position", res.Header.Get("Homing-Position")))); got != "threshold" {
		t.Errorf("after a write: got %q", got)
	}
}

func TestForgedTokensAreIgnored(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Secret: "0123456789abcdef,old-0123456789ab", Database: newDB(machine.Replica, "5"), Wait: time.Millisecond})
	h := s.Handler(http.HandlerFunc(hello))
	keys := func(secret string) position.Keys {
		k, err := position.ParseKeys(secret)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	late := position.Token{Engine: "fake", Epoch: "e1", Position: "9"}
	for _, tt := range []struct {
		name, token string
		want        decision.Reason
	}{
		{"ours", sealedBy(keys("0123456789abcdef"), late), decision.Stale},
		{"signed with the secret before", sealedBy(keys("old-0123456789ab"), late), decision.Stale},
		{"unsigned", token("9"), decision.Read},
		{"signed by another", sealedBy(keys("another-0123456789"), late), decision.Read},
	} {
		if got := decided(t, do(h, request("GET", "/", "Cookie", cookie("a", tt.token)))).Reason; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAReadWaitsForItsWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDB(machine.Replica, "5")
		h := newSite(t, Config{Env: replicaIn(), Database: db, Wait: 100 * time.Millisecond}).Handler(http.HandlerFunc(hello))
		go func() {
			time.Sleep(40 * time.Millisecond)
			db.Advance("7")
		}()
		begun := time.Now()
		cookies := cookie("a", token("6")) + ";" + cookie("b", token("7")) + ";" + cookie("c", token("2"))
		d := decided(t, do(h, request("GET", "/", "Cookie", cookies)))
		if d.Reason != decision.Waited || d.Waited != 40*time.Millisecond || time.Since(begun) != 40*time.Millisecond {
			t.Errorf("got %v after %v, want 40 ms of waiting", d, time.Since(begun))
		}
		if d.Found != "7" {
			t.Errorf("found %q", d.Found)
		}
	})
}

func TestAReadWaitsNoLongerThanTheWayHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDB(machine.Replica, "5")
		h := newSite(t, Config{Env: replicaIn(), Database: db, Wait: 100 * time.Millisecond}).Handler(http.HandlerFunc(hello))
		go func() {
			time.Sleep(60 * time.Millisecond)
			db.Advance("6")
		}()
		begun := time.Now()
		// The two waits share the time.
		d := decided(t, do(h, request("GET", "/", "Cookie", cookie("a", token("6"))+";"+cookie("b", token("9")))))
		if d.Reason != decision.Stale || time.Since(begun) != 100*time.Millisecond || d.Waited != 100*time.Millisecond {
			t.Errorf("got %v after %v", d, time.Since(begun))
		}
		if db.Waiting() != 0 {
			t.Error("somebody still waits")
		}
	})
}

func TestAWaitEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDB(machine.Replica, "5")
		h := newSite(t, Config{Env: replicaIn(), Database: db, Wait: time.Minute}).Handler(http.HandlerFunc(hello))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		do(h, request("GET", "/", "Cookie", cookie("a", token("6"))).WithContext(ctx))
		if time.Since(begun) != time.Second {
			t.Errorf("waited %v", time.Since(begun))
		}
	})
}

func TestAPositionReachedInAnotherEpochIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDB(machine.Replica, "5")
		h := newSite(t, Config{Env: replicaIn(), Database: db, Wait: time.Second}).Handler(http.HandlerFunc(hello))
		go func() {
			time.Sleep(time.Millisecond)
			db.set(func(db *fakeDB) { db.state.Epoch = "e2" })
			db.Advance("9")
		}()
		if got := sentHome(do(h, request("GET", "/", "Cookie", cookie("a", token("6"))))); got != "stale" {
			t.Errorf("got %q, want stale: the write of e1 may be lost in e2", got)
		}
	})
}

func TestOnlyAnEdgeOfOursIsTold(t *testing.T) {
	for _, env := range []Env{in("FLY_REGION", "ord"), in("FLY_REGION", "ams")} {
		h := newSite(t, Config{Env: env, Database: newDB(machine.None, "")}).Handler(http.HandlerFunc(hello))
		for _, path := range []string{"/", "/healthz"} {
			if got := do(h, request("GET", path)).Header["Homing-Decision"]; got != nil {
				t.Errorf("%s of %s tells %q", path, env.Region, got)
			}
		}
	}
}

func TestAPrimaryDoesNotAskForReads(t *testing.T) {
	db := newDB(machine.Primary, "5")
	db.fail = errors.New("asked")
	db.onAsk = func(context.Context) { t.Error("the position was read, which costs a query") }
	h := newSite(t, Config{Env: primaryIn(), Database: db}).Handler(http.HandlerFunc(hello))
	do(h, request("GET", "/", "Cookie", cookie("a", token("6"))))
}

func TestATokenOfAnotherDatabaseIsToldOfOnce(t *testing.T) {
	for epoch, want := range map[position.Epoch]int{"i:1": 1, "h:1": 0} {
		log, lines := logTo()
		h := newSite(t, Config{Env: replicaIn(), Database: of(newDB(machine.Replica, "5"), "h:2"), Logger: log}).Handler(http.HandlerFunc(hello))
		carried := sealedBy(position.Keys{}, position.Token{Engine: "fake", Epoch: epoch, Position: "1"})
		for range 3 {
			if got := sentHome(do(h, request("GET", "/", replay.PositionHeader, carried))); got != "stale" {
				t.Errorf("%s: home for %q", epoch, got)
			}
		}
		if n := lines.count("token of another database"); n != want {
			t.Errorf("%s: said %d times: %s", epoch, n, lines)
		}
	}
}
