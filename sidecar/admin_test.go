package sidecar_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"homing"
	"homing/machine"
	"homing/sidecar"
)

// expired is a context that is over: waiting with it only asks.
func expired(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestAWorkerWaitsForItsJobsToken(t *testing.T) {
	primary := serving(t, sidecar.Admin(newSite(t, "ord", newDB(machine.Primary, "7"))))
	token := ask(t, primary, "GET", "/.well-known/homing/token", nil)
	if token.StatusCode != 200 || token.text == "" || strings.ContainsAny(token.text, " \n") {
		t.Fatalf("token: %d %q", token.StatusCode, token.text)
	}
	db := newDB(machine.Replica, "6")
	replica := serving(t, sidecar.Admin(newSite(t, "gru", db)))
	position := "?position=" + url.QueryEscape(token.text)
	for _, tt := range []struct {
		name, query string
		status      int
	}{
		{"not in time", position + "&timeout=1ms", 503},
		{"no token", "", 400},
		{"what is no token", "?position=hello", 400},
		{"what is no time", position + "&timeout=5", 400},
		{"too long a time", position + "&timeout=1h", 400},
		{"an empty token, as there is without regions", "?position=", 204},
	} {
		a := ask(t, replica, "GET", "/.well-known/homing/wait"+tt.query, nil)
		if a.StatusCode != tt.status || tt.status != 204 && strings.Count(a.text, "\n") != 1 {
			t.Errorf("%s: got %d %q, want %d", tt.name, a.StatusCode, a.text, tt.status)
		}
	}
	time.AfterFunc(time.Millisecond, func() { db.Advance("7") })
	if a := ask(t, replica, "GET", "/.well-known/homing/wait"+position, nil); a.StatusCode != 204 {
		t.Errorf("reached: got %d %q", a.StatusCode, a.text)
	}
}

func TestHealthIsTold(t *testing.T) {
	for role, want := range map[machine.Role]int{machine.Replica: 200, machine.None: 503} {
		srv := serving(t, sidecar.Admin(newSite(t, "gru", newDB(role, "1"))))
		if a := ask(t, srv, "GET", "/.well-known/homing/health", nil); a.StatusCode != want {
			t.Errorf("%v: got %d %s", role, a.StatusCode, a.text)
		}
	}
}

func TestWithoutRegionsTokensAreEmpty(t *testing.T) {
	site, err := homing.New(homing.Config{})
	if err != nil {
		t.Fatal(err)
	}
	srv := serving(t, sidecar.Admin(site))
	if a := ask(t, srv, "GET", "/.well-known/homing/token", nil); a.StatusCode != 200 || a.text != "" {
		t.Errorf("got %d %q", a.StatusCode, a.text)
	}
}
