package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/forward"
	"homing/machine"
	"homing/replay"
)

// orders answers with a replay and what else is said beside it.
func orders(instruction string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		replays(instruction)(w, r)
	}
}

// keeps answers with a replay to the app "api" that is cached for a minute.
func keeps(pattern string, header ...string) http.HandlerFunc {
	return orders("app=api", append(header, "fly-replay-cache", pattern, "fly-replay-cache-ttl-secs", "60")...)
}

// told says where the request is, and what the machine was told of the cache.
func told(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%v src=%v", r.Header["Fly-Replay-Cache-Status"], len(r.Header["Fly-Replay-Src"]))
}

const (
	hit    = "[hit] src=0"
	miss   = "[miss] src=1"
	bypass = "[bypass] src=1"
)

// of puts a machine into another app.
func of(app machine.App, m fleet.Machine) fleet.Machine {
	m.App = app
	return m
}

// described describes the apps to the edge; requests are for "web".
func described(sessions ...fleet.Session) func(*edge.Config) {
	return func(c *edge.Config) {
		err := c.Fleet.SetApps(fleet.App{Name: "web", Hosts: []string{"*"}, Options: fleet.Options{Sessions: sessions}}, fleet.App{Name: "api"}, fleet.App{Name: "new"})
		if err != nil {
			panic(err)
		}
	}
}

// routed is a world in which near, of the app "web", sends requests to other, of "api".
func routed(t testing.TB, near http.HandlerFunc, change func(*edge.Config)) *world {
	return newWorld(t, change, serving(t, "near", "ams", near), of("api", serving(t, "other", "ord", told)))
}

// ask sends a request whose first word of path may be a host: "example.com/a".
func (w *world) ask(at string, header ...string) string {
	w.t.Helper()
	host, path, _ := strings.Cut(at, "/")
	r := w.request("GET", "/", nil, header...)
	r.URL.Opaque = "/" + path // as it stands, escapes and all
	if r.Host = host; host == "" {
		r.Host = "example.com"
	}
	return w.send(r).body
}

// wantStatus checks what the target of the request was told, and what the record
// says of it.
func (w *world) wantStatus(want, at string, header ...string) {
	w.t.Helper()
	got := w.ask(at, header...)
	if got != want {
		w.t.Errorf("%s %v: %q, want %q", at, header, got, want)
	}
	status, _, _ := strings.Cut(strings.Trim(want, "["), "]")
	if r := w.record(); r.Cache != status {
		w.t.Errorf("%s: the record says %q, want %q", at, r.Cache, status)
	}
}

func wantCached(t testing.TB, w *world, entries int) {
	t.Helper()
	if n, _ := w.edge.CacheSize(); n != entries {
		t.Errorf("%d entries, want %d", n, entries)
	}
}

func TestWhatTheSecondRequestFinds(t *testing.T) {
	const skip = "Fly-Replay-Cache-Control"
	for _, tt := range []struct {
		name          string
		near          http.HandlerFunc
		first, second string
		header        []string // of the second
		want          string
	}{
		{"a request below the path", keeps("/a/*"), "/a/x", "/a/y/z?q=1", nil, hit},
		{"the path itself", keeps("/a"), "/a/x", "/a", nil, hit},
		{"without an order", orders("app=api"), "/a/x", "/a/x", nil, miss},
		{"not below the path", keeps("/a/*"), "/a/x", "/b", nil, miss},
		{"only the beginning of a segment", keeps("/a/*"), "/a/x", "/ab", nil, miss},
		{"the host in the pattern", keeps("example.com/a/*"), "/a/x", "/a/x", nil, hit},
		{"another host", keeps("/a/*"), "/a", "example.org/a", nil, miss},
		{"the host in capitals and with a port", keeps("/a/*"), "/a", "EXAMPLE.Com:8080/a", nil, hit},
		{"first in capitals and with a port", keeps("example.com/a/*"), "EXAMPLE.Com:8080/a", "example.com./a", nil, hit},
		{"an IPv6 host", keeps("[::1]/a/*"), "[::1]:8080/a", "[::1]/a", nil, hit},
		{"a host that is no name", keeps("/a"), strings.Repeat("a", 254) + "/a", strings.Repeat("a", 254) + "/a", nil, miss},
		{"a pattern for another host", keeps("example.org/a/*"), "/a", "/a", nil, miss},
		{"a pattern that does not match", keeps("/b/*"), "/a", "/a", nil, miss},
		{"and would later", keeps("/b/*"), "/a", "/b", nil, miss},
		{"a pattern that is too deep", keeps(strings.Repeat("/s", 33)), strings.Repeat("/s", 34), strings.Repeat("/s", 34), nil, miss},
		{"the same in other characters", keeps("/caf%C3%A9/*"), "/caf%c3%a9/x", "/c%61f%C3%A9/y", nil, hit},
		{"an encoded separator", keeps("/*"), "/a/b", "/a%2fb", nil, miss},
		{"an encoded separator first", keeps("/*"), "/a%2fb", "/a/b", nil, miss},
		{"an empty segment", keeps("/*"), "/a", "/a//b", nil, miss},
		{"a dot segment", keeps("/a/*"), "/a", "/a/../b", nil, miss},
		{"for ten seconds", orders("app=api", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "10"), "/", "/", nil, hit},
		{"for nine seconds", orders("app=api", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "9"), "/", "/", nil, miss},
		{"for no time", orders("app=api", "fly-replay-cache", "/*"), "/", "/", nil, miss},
		{"for no path", orders("app=api", "fly-replay-cache-ttl-secs", "60"), "/", "/", nil, miss},
		{"in JSON", asksInJSON(`{"app":"api","cache":{"prefix":"/a/*","ttl":60}}`), "/a", "/a/b", nil, hit},
		{"a transform", asksInJSON(`{"app":"api","cache":{"prefix":"/*","ttl":60},"transform":{"path":"/x"}}`), "/a", "/a", nil, miss},
		{"a state", orders("app=api;state=s", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60"), "/", "/", nil, miss},
		{"a timeout", orders("app=api;timeout=1s", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60"), "/", "/", nil, miss},
		{"a fallback", orders("app=api;fallback=prefer_self", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60"), "/", "/", nil, miss},
		{"elsewhere", orders("app=api;elsewhere=true", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60"), "/", "/", nil, miss},
		{"a client that wants another region", keeps("/*"), "/", "/", []string{"Fly-Force-Region", "ams"}, hit},
		{"a client that wants another machine", keeps("/*"), "/", "/", []string{"Fly-Force-Instance-Id", "near"}, hit},
		{"a client that skips it and may not", keeps("/*"), "/", "/", []string{skip, "skip"}, hit},
		{"a client that skips it and may", keeps("/*", "fly-replay-cache-allow-bypass", "yes"), "/", "/", []string{skip, "Skip"}, bypass},
		{"a client that may skip it and does not", keeps("/*", "fly-replay-cache-allow-bypass", "yes"), "/", "/", []string{skip, "no"}, hit},
		{"a client that skips what is not cached, and may", keeps("/a", "fly-replay-cache-allow-bypass", "yes"), "/a", "/b", []string{skip, "skip"}, bypass},
		{"a client that skips what is not cached, and may not", orders("app=api"), "/a", "/b", []string{skip, "skip"}, miss},
		{"a client that forges the status", keeps("/a"), "/a", "/b", []string{"Fly-Replay-Cache-Status", "hit"}, miss},
		{"a client that forges another status", keeps("/a"), "/a", "/a", []string{"Fly-Replay-Cache-Status", "bypass", "fly_replay_cache_status", "miss"}, hit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := routed(t, tt.near, nil)
			w.wantStatus(miss, tt.first)
			w.wantStatus(tt.want, tt.second, tt.header...)
		})
	}
}

func TestAHitDoesNotAskTheApp(t *testing.T) {
	w := routed(t, keeps("/*"), nil)
	w.ask("/")
	wantWay(t, w.record(), "near", "other")
	w.ask("/a")
	r := w.record()
	wantWay(t, r, "other")
	if r.Code != "" || r.Status != 200 || r.Hops[0].Replayed {
		t.Errorf("record %+v", r)
	}
}

func TestARequestThatIsNotReplayedHasNoStatus(t *testing.T) {
	w := routed(t, told, nil)
	w.wantStatus("[] src=0", "/", "Fly-Replay-Cache-Status", "hit")
}

func TestAnIgnoredOrderIsLoggedOnce(t *testing.T) {
	const secret = "Zx9secret"
	for name, near := range map[string]http.HandlerFunc{
		"it has a state":     orders("app=api;state="+secret, "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "60"),
		"the least is 10s":   orders("app=api", "fly-replay-cache", "/*", "fly-replay-cache-ttl-secs", "9"),
		"does not match":     keeps("/b"),
		"segments":           keeps(strings.Repeat("/a", 33)),
		"it is emptied only": orders("app=api", "fly-replay-cache", "invalidate"),
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			w := routed(t, near, func(c *edge.Config) { c.Logger = textLog(&log) })
			w.ask(strings.Repeat("/a", 33))
			if w.record(); strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), name) || strings.Contains(log.String(), secret) {
				t.Errorf("logged %q", log.String())
			}
		})
	}
}

func TestAHitDeliversTheWholeBody(t *testing.T) {
	var ran counter
	other := of("api", serving(t, "other", "ord", func(w http.ResponseWriter, r *http.Request) {
		ran.Add(1)
		echo(w, r)
	}))
	w := newWorld(t, nil, serving(t, "near", "ams", keeps("/*")), other)
	w.do("GET", "/", "")
	for _, announced := range []bool{true, false} {
		if a := w.send(w.request("POST", "/", body(long, announced))); a.body != long || a.err != nil {
			t.Errorf("%d bytes came back", len(a.body))
		}
	}
	if n := ran.Load(); n != 3 {
		t.Errorf("the target ran %d requests, want 3", n)
	}
}

func TestTheLongestPatternCounts(t *testing.T) {
	near := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/a/b") {
			orders("app=new", "fly-replay-cache", "/a/b", "fly-replay-cache-ttl-secs", "60")(w, r)
			return
		}
		keeps("/a")(w, r)
	}
	w := newWorld(t, nil, serving(t, "near", "ams", near), of("api", serving(t, "other", "ord", told)), of("new", serving(t, "third", "ord", told)))
	for _, path := range []string{"/a/b/c", "/a/x"} {
		w.wantStatus(miss, path)
	}
	for path, id := range map[string]machine.ID{"/a/b": "third", "/a/b/x": "third", "/a": "other", "/a/bc": "other"} {
		w.ask(path)
		wantWay(t, w.record(), id)
	}
}

func TestABypassedEntryStays(t *testing.T) {
	w := routed(t, keeps("/*", "fly-replay-cache-allow-bypass", "yes"), nil)
	w.wantStatus(miss, "/")
	w.wantStatus(bypass, "/", "Fly-Replay-Cache-Control", "skip")
	w.wantStatus(hit, "/")
}

// Another port of the edge may belong to another part of the app.
func TestEachPortHasItsOwn(t *testing.T) {
	w := routed(t, keeps("/*"), nil)
	w.wantStatus(miss, "/")
	w.wantStatus(hit, "/")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- w.server.Serve(l) }()
	w.addr = l.Addr().String()
	w.wantStatus(miss, "/")
	w.wantStatus(hit, "/")
	w.client.CloseIdleConnections()
	w.server.Close()
	<-served
}

func TestAnEntryLivesAsLongAsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := edge.New(edge.Config{
			Region: "ams", App: "web",
			Fleet: fleet.New(nil, fleet.Machine{ID: "near", App: "web", Region: "ams", Addr: "near:1", Healthy: true},
				fleet.Machine{ID: "other", App: "api", Region: "ord", Addr: "other:1", Healthy: true}),
			Machines: forward.Config{Dial: dialing(map[string]string{
				"near:1":  "fly-replay: app=api\r\nfly-replay-cache: /*\r\nfly-replay-cache-ttl-secs: 10",
				"other:1": "X: y",
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		asked := func() bool {
			got := httptest.NewRecorder()
			e.ServeHTTP(got, httptest.NewRequest("GET", "/", nil))
			return got.Header().Get("Told") != "hit"
		}
		if !asked() || asked() {
			t.Fatal("it is not cached")
		}
		time.Sleep(10*time.Second - 1)
		if asked() {
			t.Error("it was asked again too soon")
		}
		time.Sleep(time.Nanosecond)
		if !asked() || asked() {
			t.Error("it was not asked again, and cached again, after ten seconds")
		}
	})
}

// dialing answers each connection with the head of its address, in memory.
func dialing(answers map[string]string) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, addr string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			r, err := http.ReadRequest(bufio.NewReader(theirs))
			if err != nil {
				return
			}
			fmt.Fprintf(theirs, "HTTP/1.1 200 OK\r\n%s\r\nTold: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
				answers[addr], r.Header.Get("Fly-Replay-Cache-Status"))
		}()
		return ours, nil
	}
}

func TestWhatClientsInventCannotFillTheCache(t *testing.T) {
	const limit, most = 16 << 10, 16 << 10 / 640
	rule := fleet.Session{Pattern: replay.Pattern{Path: "/"}, TTL: time.Hour, Header: "Session"}
	w := routed(t, keeps("/*"), func(c *edge.Config) { c.CacheBytes = limit; described(rule)(c) })
	for i := range 5 * most {
		w.ask(fmt.Sprintf("host-%d.test/a", i), "Session", fmt.Sprint(i))
	}
	w.eventually("the cache is within its limit", func() bool {
		entries, bytes := w.edge.CacheSize()
		return entries <= most && bytes <= limit
	})
}

func TestTheCacheServesManyAtOnce(t *testing.T) {
	w := routed(t, keeps("/*", "fly-replay-cache-allow-bypass", "yes"), nil)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				r, err := http.NewRequest("GET", "http://"+w.addr+"/a", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Host = fmt.Sprint("host-", j%5)
				if i == 0 {
					r.Header.Set("Fly-Replay-Cache-Control", "skip")
				}
				resp, err := w.client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				got, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if s := string(got); s != hit && s != miss && (s != bypass || i > 0) {
					t.Errorf("got %q", s)
				}
			}
		})
	}
	all.Wait()
	for j := range 5 {
		if got := w.ask(fmt.Sprintf("host-%d/a", j)); got != hit {
			t.Errorf("in the end: %q", got)
		}
	}
}
