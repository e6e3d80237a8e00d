package dev_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homing"
	"homing/demo/guestbook"
	"homing/dev"
	"homing/fleet"
	"homing/journey"
	"homing/region"
)

func newBook(getenv func(string) string, db dev.Database) (http.Handler, error) {
	env, err := homing.FromLookup(getenv)
	if err != nil {
		return nil, err
	}
	site, err := homing.New(homing.Config{Env: env, Database: db, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return site.Handler(guestbook.New(db.SQL(), guestbook.Self{Region: string(env.Region), Machine: string(env.ID)})), nil
}

// startWorld runs the guestbook in three regions, with nothing between them
// unless distances says otherwise.
func startWorld(t *testing.T, distances fleet.Distances) *dev.World {
	t.Helper()
	w, err := dev.Start(t.Context(), dev.Config{
		Regions: []region.Code{"ord", "gru", "ams"}, Primary: "ord", Distances: distances,
		Dir: t.TempDir(), App: newBook, Prepare: guestbook.Migrate, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

// visitor is somebody with a browser's cookies in a region.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string
}

func newVisitor(t *testing.T, w *dev.World, in region.Code) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := w.Client(in)
	c.Jar = jar
	t.Cleanup(c.CloseIdleConnections)
	return &visitor{t, c, "http://" + w.EdgeAddr(in)}
}

type listing struct {
	Region  region.Code
	Entries []guestbook.Entry
}

func (v *visitor) list() listing {
	v.t.Helper()
	var l listing
	body := v.get("/entries")
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		v.t.Fatalf("%v in %q", err, body)
	}
	return l
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	resp, err := v.client.Get(v.base + path)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.body(resp, http.StatusOK)
}

// write returns the request's ID.
func (v *visitor) write(text string) string {
	v.t.Helper()
	body := fmt.Sprintf(`{"author":"test","text":%q}`, text)
	resp, err := v.client.Post(v.base+"/entries", "application/json", strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	v.body(resp, http.StatusCreated)
	return resp.Header.Get("Fly-Request-Id")
}

func (v *visitor) body(resp *http.Response, want int) string {
	v.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if resp.StatusCode != want {
		v.t.Fatalf("%s %s: status %d, want %d: %s", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, want, b)
	}
	return string(b)
}

func TestReadsAreAnsweredWhereTheyArrive(t *testing.T) {
	w := startWorld(t, nil)
	for _, r := range []region.Code{"ord", "gru", "ams"} {
		if got := newVisitor(t, w, r).list().Region; got != r {
			t.Errorf("a read in %s was answered in %s", r, got)
		}
	}
}

func TestOwnWriteIsSeenWhileReplicationIsHeldBack(t *testing.T) {
	w := startWorld(t, nil)
	if err := w.Hold("gru", true); err != nil {
		t.Fatal(err)
	}
	v, other := newVisitor(t, w, "gru"), newVisitor(t, w, "gru")
	v.write("hello")
	if l := v.list(); len(l.Entries) != 1 || l.Region != "ord" {
		t.Errorf("the writer got %d entries from %s; want 1 from ord", len(l.Entries), l.Region)
	}
	if l := other.list(); len(l.Entries) != 0 || l.Region != "gru" {
		t.Errorf("somebody else got %d entries from %s; want none, from gru", len(l.Entries), l.Region)
	}
	if err := w.Hold("gru", false); err != nil {
		t.Fatal(err)
	}
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := v.list(); len(l.Entries) != 1 || l.Region != "gru" {
		t.Errorf("after replication the writer got %d entries from %s; want 1 from gru", len(l.Entries), l.Region)
	}
}

func TestAMachineStopsAndComesBack(t *testing.T) {
	w := startWorld(t, nil)
	v := newVisitor(t, w, "gru")
	if err := w.Run(t.Context(), "gru", false); err != nil {
		t.Fatal(err)
	}
	if got := v.list().Region; got == "gru" {
		t.Error("the stopped machine in gru answered")
	}
	v.write("while gru is stopped")
	if err := w.Run(t.Context(), "gru", true); err != nil {
		t.Fatal(err)
	}
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := v.list(); l.Region != "gru" || len(l.Entries) != 1 {
		t.Errorf("got %d entries from %s; want 1 from gru", len(l.Entries), l.Region)
	}
}

func TestThePrimaryStopsAndComesBack(t *testing.T) {
	w := startWorld(t, nil)
	v := newVisitor(t, w, "ams")
	v.write("before")
	if err := w.Run(t.Context(), "ord", false); err != nil {
		t.Fatal(err)
	}
	resp, err := v.client.Post(v.base+"/entries", "application/json", strings.NewReader(`{"text":"nobody can take this"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.body(resp, http.StatusServiceUnavailable); !strings.Contains(got, "PR03") {
		t.Errorf("a write without a primary was answered %q; want the code PR03", got)
	}
	if err := w.Run(t.Context(), "ord", true); err != nil {
		t.Fatal(err)
	}
	v.write("after")
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := v.list(); len(l.Entries) != 2 {
		t.Errorf("got %d entries; want the 2 from before and after", len(l.Entries))
	}
}

// TestSwitchesThatAreTurnedAtOnce: what the edges believe of a machine must agree
// with whether it runs, whoever was last.
func TestSwitchesThatAreTurnedAtOnce(t *testing.T) {
	w := startWorld(t, nil)
	v := newVisitor(t, w, "gru")
	for range 10 {
		var wait sync.WaitGroup
		for _, r := range []region.Code{"ord", "gru"} {
			for _, on := range []bool{true, false, true, false} {
				wait.Go(func() {
					if err := w.Run(t.Context(), r, on); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wait.Wait()
		if err := w.Run(t.Context(), "ord", true); err != nil {
			t.Fatal(err)
		}
		runs := w.Database("gru") != nil
		resp, err := v.client.Get(v.base + "/entries")
		if err != nil {
			t.Fatal(err)
		}
		v.body(resp, http.StatusOK)
		first := firstHop(t, w, resp.Header.Get("Fly-Request-Id"))
		if runs != (first == "gru") {
			t.Errorf("a read in gru went to %s first; its own machine runs: %v", first, runs)
		}
	}
}

func firstHop(t *testing.T, w *dev.World, id string) region.Code { return hops(t, w, id)[0].Region }

func lastHop(t *testing.T, w *dev.World, id string) region.Code {
	all := hops(t, w, id)
	return all[len(all)-1].Region
}

// hops waits for the record of a request, which may follow its answer.
func hops(t *testing.T, w *dev.World, id string) []journey.Hop {
	t.Helper()
	patience := time.After(10 * time.Second)
	for {
		records, _, more := w.Journeys().Since(0)
		for _, r := range records {
			if r.ID == id {
				return r.Hops
			}
		}
		select {
		case <-more:
		case <-patience:
			t.Fatalf("no record of request %q", id)
		}
	}
}

func TestAClosedWorldStartsNothing(t *testing.T) {
	w := startWorld(t, nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context(), "gru", true); err == nil || w.Database("gru") != nil {
		t.Errorf("after Close a machine was started, with error %v", err)
	}
}

// TestThePrimaryRestartsUnderWrites: it must be able to capture each time, and
// nothing that was acknowledged may be missing.
func TestThePrimaryRestartsUnderWrites(t *testing.T) {
	w := startWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var acknowledged atomic.Int64
	var writers sync.WaitGroup
	one := make(chan struct{}) // whoever wants to know of one
	for _, r := range []region.Code{"ord", "gru", "ams"} {
		v := newVisitor(t, w, r)
		writers.Go(func() { acknowledged.Add(v.writeUntil(ctx, one)) })
	}
	for range 20 {
		for _, on := range []bool{false, true} {
			if err := w.Run(t.Context(), "ord", on); err != nil {
				t.Fatal(err)
			}
		}
		soon, stop := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err := w.Database("ord").Position(soon); err != nil {
			t.Errorf("no position after a restart: %v", err)
		}
		select {
		case <-one:
		case <-soon.Done():
			t.Error("no write after a restart")
		}
		stop()
	}
	cancel()
	writers.Wait()
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range []region.Code{"ord", "gru", "ams"} {
		var n int64
		if err := w.Database(r).SQL().QueryRow("SELECT count(*) FROM entries").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if want := acknowledged.Load(); n < want {
			t.Errorf("%d entries in %s of %d acknowledged", n, r, want)
		}
	}
}

// writeUntil writes until ctx ends, and counts what was acknowledged. It tells of
// each who asks.
func (v *visitor) writeUntil(ctx context.Context, one chan<- struct{}) (n int64) {
	for ctx.Err() == nil {
		resp, err := v.client.Post(v.base+"/entries", "application/json", strings.NewReader(`{"text":"again"}`))
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			continue
		}
		n++
		select {
		case one <- struct{}{}:
		default:
		}
	}
	return n
}

func TestEverythingThatCrossesTakesItsTime(t *testing.T) {
	const home = 60 * time.Millisecond
	w := startWorld(t, func(a, b region.Code) time.Duration { return home })
	v := newVisitor(t, w, "gru")
	v.write("opens the connections")

	begun := time.Now()
	v.write("there and back")
	if took := time.Since(begun); took < home {
		t.Errorf("a replayed write took %v; the way there and back is %v", took, home)
	}
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.Statuses() {
		if s.Region != "ord" && s.Lag < home/2 {
			t.Errorf("%s: a change took %v to arrive; one way is %v", s.Region, s.Lag, home/2)
		}
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	ok := dev.Config{Regions: []region.Code{"ord"}, Primary: "ord", Dir: t.TempDir(), App: newBook}
	for name, tc := range map[string]struct {
		change func(*dev.Config)
		want   string
	}{
		"no regions":            {func(c *dev.Config) { c.Regions = nil }, "no regions"},
		"a region twice":        {func(c *dev.Config) { c.Regions = []region.Code{"ord", "ord"} }, "given twice"},
		"a group":               {func(c *dev.Config) { c.Regions = []region.Code{"ord", "eu"} }, "group of regions"},
		"a primary elsewhere":   {func(c *dev.Config) { c.Primary = "ams" }, "not among the regions"},
		"an app that fails":     {func(c *dev.Config) { c.App = failingApp }, "no such luck"},
		"a folder that is gone": {func(c *dev.Config) { c.Dir += "/gone/gone" }, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := ok
			cfg.Logger = slog.New(slog.DiscardHandler)
			tc.change(&cfg)
			w, err := dev.Start(context.Background(), cfg)
			if err == nil {
				w.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q; want it to say %q", err, tc.want)
			}
		})
	}
}

func failingApp(func(string) string, dev.Database) (http.Handler, error) {
	return nil, fmt.Errorf("no such luck")
}
