package homing

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/machine"
	"homing/position"
	"homing/replay"
)

func notFound(w http.ResponseWriter, _ *http.Request) { http.Error(w, "nothing", http.StatusNotFound) }

// given is the token that an answer carries.
func given(t *testing.T, res *http.Response) position.Token {
	t.Helper()
	tok, err := (position.Keys{}).Open(res.Header.Get(replay.PositionHeader))
	if err != nil {
		t.Fatalf("%v in %v", err, res.Header)
	}
	return tok
}

func TestInASessionReadsNeverGoBack(t *testing.T) {
	near := newSite(t, Config{Env: replicaIn("HOMING_CONSISTENCY", "session"), Database: newDB(machine.Replica, "5")}).Handler(http.HandlerFunc(hello))
	far := newSite(t, Config{Env: replicaIn(), Consistency: Session, Wait: time.Millisecond, Database: newDB(machine.Replica, "4")}).Handler(http.HandlerFunc(hello))
	home := newSite(t, Config{Env: primaryIn(), Consistency: Session, Database: newDB(machine.Primary, "6")}).Handler(http.HandlerFunc(hello))

	seen := do(near, request("GET", "/"))
	if got := given(t, seen).Position; got != "5" {
		t.Fatalf("a read that saw 5 gave %q", got)
	}
	carried := seen.Header.Get(replay.PositionHeader)
	if got := sentHome(do(far, request("GET", "/", replay.PositionHeader, carried))); got != "stale" {
		t.Errorf("a replica that is further behind: %q", got)
	}
	if res := do(near, request("GET", "/", replay.PositionHeader, carried)); res.Header.Get(replay.PositionHeader) != "" {
		t.Error("what the client carries already was given again")
	}
	if got := given(t, do(home, request("GET", "/", replay.PositionHeader, carried))).Position; got != "6" {
		t.Errorf("at the primary: %q", got)
	}
	plain := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5")}).Handler(http.HandlerFunc(hello))
	if res := do(plain, request("GET", "/")); res.Header.Get(replay.PositionHeader) != "" {
		t.Error("a read was given a token without being asked for")
	}
}

func TestAWindowReadsNoPosition(t *testing.T) {
	db := newDB(machine.Primary, "5")
	db.set(func(db *fakeDB) { db.fail = errors.New("asked") })
	log, lines := logTo()
	h := newSite(t, Config{Env: primaryIn(), Consistency: Window, Database: db, Logger: log}).Handler(http.HandlerFunc(hello))
	if tok := given(t, do(h, request("POST", "/"))); !tok.IsWindow() {
		t.Errorf("got %+v", tok)
	}
	if lines.count("asked") != 0 {
		t.Errorf("the database was asked: %s", lines)
	}
}

func TestADatabaseWithoutPositionsHasAWindow(t *testing.T) {
	db := newDB(machine.Primary, "5")
	db.set(func(db *fakeDB) { db.fail = fmt.Errorf("no such function: %w", errors.ErrUnsupported) })
	log, lines := logTo()
	h := newSite(t, Config{Env: primaryIn(), Database: db, Logger: log}).Handler(http.HandlerFunc(hello))
	for range 3 {
		if tok := given(t, do(h, request("POST", "/"))); !tok.IsWindow() {
			t.Errorf("got %+v", tok)
		}
	}
	if n := lines.count("does not tell its position"); n != 1 {
		t.Errorf("said %d times: %s", n, lines)
	}
}

func TestParseConsistency(t *testing.T) {
	for text, want := range map[string]Consistency{"own-writes": OwnWrites, "SESSION": Session, "window": Window, "strong": "", "": ""} {
		if got, err := ParseConsistency(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := New(Config{Env: replicaIn(), Consistency: "strong"}); err == nil || !strings.Contains(err.Error(), `"strong"`) {
		t.Errorf("New: %v", err)
	}
}

func TestWhatIsMissingOnAReplicaIsLookedForAtHome(t *testing.T) {
	replica := func() *fakeDB { return newDB(machine.Replica, "5") }
	for _, tt := range []struct {
		name   string
		cfg    Config
		r      *http.Request
		answer http.HandlerFunc
		want   string // reason; empty: served
	}{
		{"not found", Config{Env: replicaIn(), SecondTry: true, Database: replica()}, request("GET", "/"), notFound, "missing"},
		{"found", Config{Env: replicaIn(), SecondTry: true, Database: replica()}, request("GET", "/"), hello, ""},
		{"not asked for", Config{Env: replicaIn(), Database: replica()}, request("GET", "/"), notFound, ""},
		{"at home", Config{Env: primaryIn(), SecondTry: true, Database: newDB(machine.Primary, "5")}, request("GET", "/"), notFound, ""},
		{"not found by one who has written", Config{Env: replicaIn(), SecondTryOwn: true, Database: replica()}, request("GET", "/", replay.PositionHeader, token("5")), notFound, "missing"},
		{"not found by one who has not", Config{Env: replicaIn(), SecondTryOwn: true, Database: replica()}, request("GET", "/"), notFound, ""},
		{"gone", Config{Env: replicaIn(), SecondTry: true, Database: replica()}, request("GET", "/"),
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }, ""},
		{"a route that does not write, by a method that might", Config{Env: replicaIn(), SecondTry: true, ReadRoutes: []string{"POST /"}, Database: replica()},
			request("POST", "/"), notFound, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sentHome(do(newSite(t, tt.cfg).Handler(tt.answer), tt.r)); got != tt.want {
				t.Errorf("home for %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnAppThatMostlyWritesIsToldOnce(t *testing.T) {
	for share, want := range map[int]int{501: 1, 500: 0} {
		log, lines := logTo()
		h := newSite(t, Config{Env: primaryIn(), Database: newDB(machine.Primary, "5"), Logger: log}).Handler(http.HandlerFunc(hello))
		for i := range 2 * shareSample {
			method := "GET"
			if i%1000 < share {
				method = "POST"
			}
			do(h, request(method, "/"))
			do(h, request("POST", "/", replay.SourceHeader, "region=gru;state=method")) // counted where it came from
		}
		if n := lines.count("replicas do not suit"); n != want {
			t.Errorf("%d writes of 1000: said %d times", share, n)
		}
	}
}

func TestAHealthCheckThatHangsIsBounded(t *testing.T) {
	synctest.Test(t, testAHealthCheckDoesNotHang)
}
