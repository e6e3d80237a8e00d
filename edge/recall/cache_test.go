package recall_test

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homing/edge/recall"
	"homing/machine"
	"homing/region"
	"homing/replay"
)

const large = 1 << 20

// to is an entry that sends requests to this app for a minute.
func to(app machine.App) recall.Entry {
	return recall.Entry{Replay: replay.Instruction{App: app}, Origin: "m1", TTL: time.Minute}
}

// at is a request for the app "web".
func at(path string) recall.Request {
	return recall.Request{App: "web", Port: 443, Host: "example.com", Path: path}
}

// by is such a request of a session, below a path that a rule names.
func by(key, below, path string) recall.Request {
	r := at(path)
	r.Session = recall.Session{Path: below, Sum: sha256.Sum256([]byte(key))}
	return r
}

func keep(t testing.TB, c *recall.Cache, path string, app machine.App) {
	t.Helper()
	if err := c.KeepPath(at(path), path, to(app)); err != nil {
		t.Fatal(err)
	}
}

func wantFound(t testing.TB, c *recall.Cache, r recall.Request, want machine.App) {
	t.Helper()
	var got machine.App
	if e := c.Find(r); e != nil {
		got = e.Replay.App
	}
	if got != want {
		t.Errorf("%s%s goes to %q, want %q", r.Host, r.Path, got, want)
	}
}

func TestTheLongestPathIsFound(t *testing.T) {
	c := recall.New(large)
	keep(t, c, "/a", "below-a")
	keep(t, c, "/a/b/c", "below-c")
	for path, want := range map[string]machine.App{
		"/a": "below-a", "/a/": "below-a", "/a/x": "below-a", "/a/b": "below-a", "/a/b/cd": "below-a",
		"/a/b/c": "below-c", "/a/b/c/": "below-c", "/a/b/c/d/e": "below-c",
		"/": "", "/ab": "", "/b": "", "": "",
	} {
		wantFound(t, c, at(path), want)
	}
	keep(t, c, "/", "all")
	wantFound(t, c, at("/"), "all")
	wantFound(t, c, at("/ab"), "all")
	wantFound(t, c, at(""), "")
	wantFound(t, c, at("/a/b"), "below-a")
}

func TestNothingIsFoundForAnother(t *testing.T) {
	c := recall.New(large)
	keep(t, c, "/", "api")
	for name, change := range map[string]func(*recall.Request){
		"app":  func(r *recall.Request) { r.App = "shop" },
		"host": func(r *recall.Request) { r.Host = "example.org" },
		"port": func(r *recall.Request) { r.Port = 8080 },
	} {
		r := at("/")
		if change(&r); c.Find(r) != nil {
			t.Errorf("another %s finds it", name)
		}
	}
	wantFound(t, c, at("/"), "api")
}

func TestSessionsAreApart(t *testing.T) {
	c := recall.New(large)
	c.KeepSession(by("ann", "/app", "/app/x"), to("for-ann"))
	c.KeepSession(by("bob", "/app", "/app/x"), to("for-bob"))
	wantFound(t, c, by("ann", "/app", "/app/y"), "for-ann")
	wantFound(t, c, by("bob", "/app", "/app"), "for-bob")
	wantFound(t, c, by("eve", "/app", "/app/x"), "")
	wantFound(t, c, by("ann", "/app/x", "/app/x"), "")
	wantFound(t, c, at("/app/x"), "")
	c.KeepSession(at("/app/x"), to("nobody's"))
	wantFound(t, c, at("/app/x"), "")
}

func TestBetweenAPathAndASession(t *testing.T) {
	c := recall.New(large)
	c.KeepSession(by("ann", "/app", "/app/x"), to("for-ann"))
	keep(t, c, "/", "all")
	keep(t, c, "/app", "app")
	keep(t, c, "/app/files", "files")
	for path, want := range map[string]machine.App{"/app": "for-ann", "/app/x": "for-ann", "/app/files/x": "files"} {
		wantFound(t, c, by("ann", "/app", path), want)
	}
	wantFound(t, c, by("bob", "/app", "/app/x"), "app")
	wantFound(t, c, at("/x"), "all")
}

func TestAnEntryIsKeptForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := recall.New(large)
		short, long := to("short"), to("long")
		short.TTL, long.TTL = 10*time.Second, time.Minute
		if c.KeepPath(at("/a"), "/a", short) != nil || c.KeepPath(at("/a"), "/", long) != nil {
			t.Fatal("they are not kept")
		}
		for range 3 { // to be found does not make it younger
			time.Sleep(3 * time.Second)
			wantFound(t, c, at("/a"), "short")
		}
		time.Sleep(time.Second)
		wantFound(t, c, at("/a"), "long")
		time.Sleep(50 * time.Second)
		wantFound(t, c, at("/a"), "")
	})
}

func TestForget(t *testing.T) {
	c := recall.New(large)
	for _, path := range []string{"/", "/a", "/a/b", "/a/b/c", "/b"} {
		keep(t, c, path, "api")
	}
	c.KeepSession(by("ann", "/a", "/a/b"), to("for-ann"))
	c.KeepSession(by("bob", "/a", "/a/b"), to("for-bob"))
	c.Forget(by("ann", "/a", "/a/b"))
	wantFound(t, c, by("ann", "/a", "/a/b"), "")
	wantFound(t, c, by("bob", "/a", "/a/b"), "for-bob")
	wantFound(t, c, at("/a/b/c"), "api")
	wantFound(t, c, at("/b"), "api")
	c.Forget(at(""))
	wantFound(t, c, at("/b"), "api")
}

func TestDropLeavesWhatCameSince(t *testing.T) {
	c := recall.New(large)
	keep(t, c, "/a", "old")
	old := c.Find(at("/a"))
	keep(t, c, "/a", "new")
	c.Drop(old)
	wantFound(t, c, at("/a"), "new")
	c.Drop(c.Find(at("/a")))
	wantFound(t, c, at("/a"), "")
	c.Drop(old)
}

func TestOnlyThePlaceIsKept(t *testing.T) {
	c := recall.New(large)
	e := recall.Entry{Origin: "m1", TTL: time.Minute, AllowBypass: true, Replay: replay.Instruction{
		Regions: []region.Code{"ord", "any"}, Instance: "m2", PreferInstance: "m3", App: "api",
		State: "secret", Elsewhere: true, Timeout: 1, Cache: replay.CacheOrder{TTL: 1},
	}}
	if err := c.KeepPath(at("/"), "/", e); err != nil {
		t.Fatal(err)
	}
	e.Replay.Regions[0] = "gru"
	got := c.Find(at("/"))
	want := replay.Instruction{Regions: []region.Code{"ord", "any"}, Instance: "m2", PreferInstance: "m3", App: "api"}
	if !reflect.DeepEqual(got.Replay, want) || got.Origin != "m1" || !got.AllowBypass {
		t.Errorf("kept %+v, want %+v", got, want)
	}
}

func TestPathsThatAreTooLong(t *testing.T) {
	const most, longest = 32, 1 << 10
	segments := func(n int) string { return strings.Repeat("/s", n) }
	for path, fits := range map[string]bool{
		segments(most): true, segments(most + 1): false,
		"/" + strings.Repeat("x", longest-1): true, "/" + strings.Repeat("x", longest): false,
	} {
		c := recall.New(large)
		err := c.KeepPath(at(path), path, to("api"))
		if found := c.Find(at(path)) != nil; (err == nil) != fits || found != fits {
			t.Errorf("%.9s… of %d bytes: found %v, %v", path, len(path), found, err)
		}
	}
	c := recall.New(large)
	keep(t, c, segments(most), "deep")
	wantFound(t, c, at(segments(10_000)+"/"), "deep")
	keep(t, c, "/y", "high")
	wantFound(t, c, at("/y/"+strings.Repeat("x", longest)), "high")
	wantFound(t, c, at(strings.Repeat("x", longest)), "")
	if err := c.KeepPath(at(""), "/", to("api")); err == nil {
		t.Error("a request without a path is kept")
	}
}

// What clients may invent, hosts and sessions, cannot fill the memory.
func TestTheCacheIsBounded(t *testing.T) {
	const limit, most = 64 << 10, 64 << 10 / 640
	c := recall.New(limit)
	for i := range 20 * most {
		r := by(fmt.Sprint(i), "/", "/")
		r.Host = fmt.Sprint(i, ".example.com")
		c.KeepSession(r, to("api"))
		if err := c.KeepPath(r, "/", to("api")); err != nil {
			t.Fatal(err)
		}
	}
	bytes, entries := int64(0), 0
	deadline := time.Now().Add(5 * time.Second)
	for entries, bytes = c.Size(); bytes > limit || entries > most; entries, bytes = c.Size() {
		if time.Now().After(deadline) {
			t.Fatalf("%d entries of %d bytes, want %d and %d at most", entries, bytes, most, limit)
		}
	}
	if entries < most/2 {
		t.Errorf("only %d entries are left", entries)
	}
	huge := to("api")
	huge.Replay.Regions = make([]region.Code, limit)
	keep(t, c, "/kept", "api")
	if err := c.KeepPath(at("/huge"), "/huge", huge); err != nil {
		t.Fatal(err)
	}
	if _, bytes := c.Size(); bytes > limit {
		t.Errorf("%d bytes with a huge entry", bytes)
	}
}

func TestManyAtOnce(t *testing.T) {
	c := recall.New(16 << 10)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 500 {
				r := by(fmt.Sprint(i, j%7), "/a", "/a/b")
				c.KeepSession(r, to(machine.App(fmt.Sprint("s", i, j%7))))
				_ = c.KeepPath(r, "/a", to("below-a"))
				if e := c.Find(r); e != nil {
					if e.Replay.App != "below-a" && e.Replay.App != machine.App(fmt.Sprint("s", i, j%7)) {
						t.Errorf("it finds %s", e.Replay.App)
					}
					c.Drop(e)
				}
				if j%50 == 0 {
					c.Forget(r)
				}
			}
		})
	}
	all.Wait()
}
