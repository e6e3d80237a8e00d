//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// added is what a peer adds to a request.
var added = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "Via", "X-Request-Id"}

// What the peers are compared at is the same work.
func TestPeersTellWhoAsks(t *testing.T) {
	seen := make(chan http.Header, 100)
	near := appAt(t, func(w http.ResponseWriter, r *http.Request) { seen <- r.Header })
	for _, p := range installedPeers(t.Context()) {
		t.Run(p.name, func(t *testing.T) {
			run := running(t, p, near, near)
			for len(seen) > 0 {
				<-seen // somebody else's, or asking whether the peer is ready
			}
			resp := fetched(t, run.url("/"))
			header := <-seen
			for _, name := range added {
				if header.Get(name) == "" {
					t.Errorf("the app was not told %s", name)
				}
			}
			for _, name := range []string{"Via", "X-Request-Id"} {
				if resp.Header.Get(name) == "" {
					t.Errorf("the client was not told %s", name)
				}
			}
		})
	}
}

func TestPeersReplay(t *testing.T) {
	near := appAt(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/replay" {
			w.Header().Set("X-Accel-Redirect", "/home")
			w.WriteHeader(http.StatusConflict)
		}
	})
	home := appAt(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("From", "home") })
	for _, p := range installedPeers(t.Context()) {
		if !p.replays {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			run := running(t, p, near, home)
			if resp := fetched(t, run.url("/replay")); resp.StatusCode != http.StatusOK || resp.Header.Get("From") != "home" {
				t.Errorf("answered with %s, from %q", resp.Status, resp.Header.Get("From"))
			}
		})
	}
}

func appAt(t *testing.T, app http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func running(t *testing.T, p peer, near, home string) *proxy {
	t.Helper()
	if _, err := exec.LookPath(p.program); err != nil {
		t.Skip("no ", p.program)
	}
	run, err := p.start(t.Context(), t.TempDir(), &origin{near: near, home: home})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.stop)
	return run
}

func fetched(t *testing.T, url string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}
