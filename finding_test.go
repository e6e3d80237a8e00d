package homing

import (
	"net/http"
	"sync"
	"testing"

	"homing/machine"
)

// TestNothingIsKnownOfARequestBefore has requests of several kinds take turns, as often as
// tokens that were added up would send them home.
func TestNothingIsKnownOfARequestBefore(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5")})
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Panics") != "" {
			panic(http.ErrAbortHandler)
		}
		hello(w, r)
	}))
	kinds := []struct {
		method, want string
		head         []string
	}{
		{"GET", "serve;reason=reached;role=replica;wanted=5;found=5", []string{"Cookie", cookie("a", token("5"))}},
		{"GET", "serve;reason=read;role=replica", nil},
		{"POST", "home;reason=method;role=replica", []string{"Homing-Position", token("4")}},
		{"GET", "serve;reason=read;role=replica", []string{"Homing-Primary", "ams;epoch=e2"}},
		{"GET", "serve;reason=reached;role=replica;wanted=4;found=5", []string{"Homing-Position", token("4")}},
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			wordOf(h, request("GET", "/", "X-Panics", "yes", "Homing-Position", token("3")))
			for range manyTokens + 1 {
				for _, k := range kinds {
					if got := wordOf(h, request(k.method, "/", k.head...)); got != k.want {
						t.Errorf("%s %q: got %q, want %q", k.method, k.head, got, k.want)
					}
				}
			}
		})
	}
	all.Wait()
}

// wordOf returns what was decided about a request; nothing if its handler panicked.
func wordOf(h http.Handler, r *http.Request) string {
	defer func() { _ = recover() }()
	return do(h, r).Header.Get("Homing-Decision")
}
