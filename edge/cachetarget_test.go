package edge_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/replay"
)

// A hit counts as a replay like any other: a machine may send the request on, and
// what it says is no hit.
func TestAHitMayBeReplayedOn(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", orders("app=api;instance=other", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60")), of("api", serving(t, "other", "ord", replays("region=gru"))), of("api", serving(t, "third", "gru", told)))
	w.wantStatus(miss, "/")
	if got := w.ask("/"); got != miss {
		t.Errorf("the third was told %q, want %q", got, miss)
	}
	r := w.record()
	wantWay(t, r, "other", "third")
	if r.Cache != replay.CacheHit {
		t.Errorf("the record says %q", r.Cache)
	}
}

// Once the cached target has answered, what it asks for is no longer the cache's.
func TestAReplayByACachedTargetDoesNotReturnToTheApp(t *testing.T) {
	other := serving(t, "other", "ord", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/on" {
			replays("instance=nobody")(w, r)
		}
	})
	w := newWorld(t, nil, serving(t, "near", "ams", keeps("/*")), of("api", other))
	w.do("GET", "/", "")
	w.record()
	wantProblem(t, w.do("GET", "/on", ""), 503, "PR03", "nobody")
	wantWay(t, w.record(), "other")
	wantCached(t, w, 1)
}

func TestARequestThatFellBackHasNoStatus(t *testing.T) {
	near := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Fly-Replay-Failed") != "" {
			told(w, r)
			return
		}
		replays("app=nobody;fallback=force_self")(w, r)
	}
	w := newWorld(t, nil, serving(t, "near", "ams", near))
	if got := w.ask("/"); got != "[] src=0" {
		t.Errorf("got %q", got)
	}
}

func TestAHitCountsAsOneReplay(t *testing.T) {
	var asked counter
	w := newWorld(t, nil, serving(t, "near", "ams", keeps("/*")), of("api", serving(t, "other", "ord", func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			replays("app=api")(w, r)
		}
	})))
	w.do("GET", "/", "")
	wantProblem(t, w.do("GET", "/", ""), 508, "PA02", "10 times")
	if n := asked.Load(); n != 1+replay.MaxHops {
		t.Errorf("asked %d times, want once and %d replays", n, replay.MaxHops)
	}
}

// Only the app that the request is for says where its requests go.
func TestATargetCannotDrawRequestsToItself(t *testing.T) {
	other := of("api", serving(t, "other", "ord", orders("region=gru", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60")))
	w := newWorld(t, nil, serving(t, "near", "ams", orders("app=api;instance=other")), other, of("api", serving(t, "third", "gru", told)))
	for range 2 {
		w.wantStatus(miss, "/")
	}
	if entries, _ := w.edge.CacheSize(); entries != 0 {
		t.Errorf("%d entries", entries)
	}
}

func TestATargetMayEmptyTheCache(t *testing.T) {
	for name, c := range map[string]struct {
		back    string
		emptied bool
	}{
		"back to the app":    {"app=web", true},
		"to a machine of it": {"app=web;instance=near", true},
		"to another app":     {"app=new", false},
		"within its own app": {"region=gru", false},
		"with a state":       {"app=web;state=x", true},
	} {
		t.Run(name, func(t *testing.T) {
			var moved atomic.Bool
			near := func(w http.ResponseWriter, r *http.Request) {
				if moved.Load() {
					orders("app=new", "fly-replay-cache", "/a", "fly-replay-cache-ttl-secs", "60")(w, r)
					return
				}
				orders("app=api;instance=other", "fly-replay-cache", "/a", "fly-replay-cache-ttl-secs", "60")(w, r)
			}
			other := func(w http.ResponseWriter, r *http.Request) {
				if moved.Load() {
					orders(c.back, "fly-replay-cache", "invalidate")(w, r)
					return
				}
				told(w, r)
			}
			w := newWorld(t, nil, serving(t, "near", "ams", near), of("api", serving(t, "other", "ord", other)),
				of("api", serving(t, "another", "gru", told)), of("new", serving(t, "third", "ord", told)))
			w.wantStatus(miss, "/a")
			w.wantStatus(hit, "/a/b")
			moved.Store(true)
			if got := w.ask("/a/c"); got != miss {
				t.Errorf("the last machine was told %q", got)
			}
			w.record()
			w.ask("/a/c")
			if got := way(w.record()); slices.Contains(got, "other") == c.emptied {
				t.Errorf("then the request went to %v", got)
			}
		})
	}
}

// Where an app sends requests to another machine of its own, it need not be named.
func TestATargetOfTheSameAppMayEmptyTheCache(t *testing.T) {
	near := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Fly-Replay-Src") != "" {
			told(w, r)
			return
		}
		orders("instance=home", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60")(w, r)
	}
	w := newWorld(t, nil, serving(t, "near", "ams", near), serving(t, "home", "ord", orders("instance=near", "fly-replay-cache", "invalidate")))
	if got := w.ask("/"); got != miss {
		t.Errorf("got %q", got)
	}
	wantWay(t, w.record(), "near", "home", "near")
	wantCached(t, w, 0)
}

func TestATargetThatIsGoneIsAskedForAgain(t *testing.T) {
	type change func(f *fleet.Fleet, m fleet.Machine)
	for name, change := range map[string]change{
		"it refuses": func(f *fleet.Fleet, m fleet.Machine) { m.Addr = refusing(t, "x", "ord").Addr; f.Update(m) },
		"it is ill":  func(f *fleet.Fleet, m fleet.Machine) { m.Healthy = false; f.Update(m) },
		"it starts":  func(f *fleet.Fleet, m fleet.Machine) { m.Starting = true; f.Update(m) },
	} {
		t.Run(name, func(t *testing.T) {
			var asked, ran counter
			near := func(w http.ResponseWriter, r *http.Request) {
				switch asked.Add(1) {
				case 1:
					orders("app=api;instance=other", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60")(w, r)
				default:
					ran.Add(1)
					told(w, r)
				}
			}
			other := of("api", serving(t, "other", "ord", told))
			var f *fleet.Fleet
			w := newWorld(t, func(c *edge.Config) { f = c.Fleet }, serving(t, "near", "ams", near), serving(t, "far", "gru", told), other)
			w.wantStatus(miss, "/")
			change(f, other)
			w.do("POST", "/", "body")
			r := w.record()
			if r.Cache != "" || r.Code != "" || r.Duration > 5*time.Second {
				t.Errorf("record %+v", r)
			}
			if r.Last().Machine != "near" || ran.Load() != 1 {
				t.Errorf("it went to %v, and ran %d times", way(r), ran.Load())
			}
			w.wantStatus("[] src=0", "/", "Fly-Force-Region", "gru") // nothing is cached any more
			wantCached(t, w, 0)
		})
	}
}

// The client's own wishes are in force again, and the way to the target is no replay.
func TestTheAppIsAskedAsIfNothingHadBeenCached(t *testing.T) {
	other := of("api", serving(t, "other", "ord", told))
	var f *fleet.Fleet
	var asked counter
	far := func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		replays("region=gru")(w, r)
	}
	w := newWorld(t, func(c *edge.Config) { f = c.Fleet }, serving(t, "near", "ams", keeps("/*")), serving(t, "far", "gru", far), other)
	w.wantStatus(miss, "/")
	other.Addr = refusing(t, "x", "ord").Addr
	f.Update(other)
	r := w.request("GET", "/", nil, "Fly-Force-Region", "gru")
	r.Host = "example.com"
	wantProblem(t, w.send(r), 508, "PA02", "10 times")
	if n := asked.Load(); n != 1+replay.MaxHops {
		t.Errorf("asked %d times, want once and %d replays", n, replay.MaxHops)
	}
}

func TestACachedTargetThatMayHaveRunIsTheEnd(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		var asked counter
		near := func(w http.ResponseWriter, r *http.Request) { asked.Add(1); keeps("/*")(w, r) }
		other := of("api", raw(t, "other", "ord", func(nth int, c *net.TCPConn, br *bufio.Reader) {
			if skipHead(br) && nth == 0 {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			}
		}))
		w := newWorld(t, nil, serving(t, "near", "ams", near), other)
		w.do("GET", "/", "")
		wantProblem(t, w.do(method, "/", ""), 502, "PU02", "was not sent again")
		if asked.Load() != 1 {
			t.Errorf("%s: the app was asked again", method)
		}
	}
}

func TestABusyTargetIsNoReasonToAsk(t *testing.T) {
	other := of("api", serving(t, "other", "ord", told))
	other.Limits.Hard = 1
	var f *fleet.Fleet
	w := newWorld(t, func(c *edge.Config) { f, c.Queue.Patience = c.Fleet, time.Millisecond }, serving(t, "near", "ams", keeps("/*")), other)
	w.do("GET", "/", "")
	w.record()
	m, _ := f.Snapshot().Machine("api", "other")
	var slot fleet.Slot
	w.eventually("it is free", func() (ok bool) { slot, ok = m.Acquire(); return })
	wantProblem(t, w.do("GET", "/", ""), 503, "PL02", "limit")
	wantWay(t, w.record())
	slot.Release()
	w.do("GET", "/", "")
	wantWay(t, w.record(), "other")
}

func TestPermissionIsCheckedOnEachHit(t *testing.T) {
	apps := func(allowed ...fleet.Organisation) []fleet.App {
		return []fleet.App{{Name: "web", Organisation: "us"}, {Name: "api", Organisation: "them", AllowFrom: allowed}}
	}
	var f *fleet.Fleet
	w := routed(t, keeps("/*"), func(c *edge.Config) {
		if f = c.Fleet; f.SetApps(apps("us")...) != nil {
			t.Fatal("the apps cannot be set")
		}
	})
	w.wantStatus(miss, "/")
	w.wantStatus(hit, "/")
	if err := f.SetApps(apps()...); err != nil {
		t.Fatal(err)
	}
	r := w.request("GET", "/", nil)
	r.Host = "example.com"
	wantProblem(t, w.send(r), 502, "PA05", "does not take replays from web")
	wantWay(t, w.record(), "near")
	wantCached(t, w, 0)
}
