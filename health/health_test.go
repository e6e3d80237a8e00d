package health_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homing/fleet"
	"homing/health"
	"homing/machine"
	"homing/primary"
	"homing/region"
	"homing/replay"
)

// asked is a machine that says what it is told to say.
type asked struct {
	says   atomic.Pointer[string]
	count  atomic.Int64
	heard  chan string // where it was told that the primary is; what is not taken is forgotten
	server *httptest.Server
}

func newAsked(t *testing.T, says string) *asked {
	a := &asked{heard: make(chan string)}
	a.say(says)
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.count.Add(1)
		select {
		case a.heard <- r.Header.Get(replay.PrimaryHeader):
		default:
		}
		if says := *a.says.Load(); says != "" && r.URL.Path == "/.well-known/homing" && r.Header.Get(replay.RegionHeader) == "" {
			w.Header().Set(replay.RoleHeader, says)
		}
	}))
	t.Cleanup(a.server.Close)
	return a
}

func (a *asked) say(says string) { a.says.Store(&says) }

func (a *asked) machine(id machine.ID, at region.Code) fleet.Machine {
	return fleet.Machine{App: "web", ID: id, Region: at, Addr: a.server.Listener.Addr().String(), Healthy: true}
}

// watching watches until the test ends, and returns what is logged.
func watching(t *testing.T, f *fleet.Fleet) func() string {
	var mu sync.Mutex
	var log bytes.Buffer
	write := writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		health.Watch(ctx, health.Config{Fleet: f, Every: 5 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(write, nil))})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// becomes waits until the primary is there.
func becomes(t *testing.T, f *fleet.Fleet, want primary.Place) {
	t.Helper()
	patience := time.After(10 * time.Second)
	for {
		s := f.Snapshot()
		if s.Primary("web") == want {
			return
		}
		select {
		case <-s.Changed():
		case <-patience:
			t.Fatalf("the primary is %+v, want %+v", s.Primary("web"), want)
		}
	}
}

func TestWatchFollowsThePrimary(t *testing.T) {
	ord, ams := newAsked(t, "primary;epoch=h%3A1"), newAsked(t, "replica;epoch=h%3A1")
	f := fleet.New(nil, ord.machine("a", "ord"), ams.machine("b", "ams"))
	log := watching(t, f)
	becomes(t, f, primary.Place{Region: "ord", Epoch: "h:1"})
	ord.say("none")
	becomes(t, f, primary.Place{Epoch: "h:1"})
	ams.say("primary;epoch=h%3A2")
	becomes(t, f, primary.Place{Region: "ams", Epoch: "h:2"})
	ord.say("primary;epoch=h%3A1") // it comes back, and has not heard of it
	ams.say("")                    // as when something else answers on its port
	becomes(t, f, primary.Place{Epoch: "h:2"})
	if text := log(); text != "" {
		t.Errorf("the log says %s", text)
	}
}

func TestMachinesThatAreAskedAreToldWhereThePrimaryIs(t *testing.T) {
	ord, ams := newAsked(t, "primary;epoch=h%3A1"), newAsked(t, "replica;epoch=h%3A1")
	watching(t, fleet.New(nil, ord.machine("a", "ord"), ams.machine("b", "ams")))
	hears := func(a *asked, want string) {
		t.Helper()
		patience := time.After(10 * time.Second)
		for got := "nothing"; got != want; {
			select {
			case got = <-a.heard:
			case <-patience:
				t.Fatalf("it hears %q, want %q", got, want)
			}
		}
	}
	hears(ams, "ord;epoch=h%3A1")
	ams.say("primary;epoch=h%3A2")
	hears(ord, "ams;epoch=h%3A2") // the old primary, which serves no requests
}

func TestAMachineThatDiesClaimsNothing(t *testing.T) {
	ord := newAsked(t, "primary;epoch=h%3A1")
	f := fleet.New(nil, ord.machine("a", "ord"))
	watching(t, f)
	becomes(t, f, primary.Place{Region: "ord", Epoch: "h:1"})
	ord.server.CloseClientConnections()
	ord.server.Close()
	becomes(t, f, primary.Place{Epoch: "h:1"})
}

func TestADisputeIsSaidOnce(t *testing.T) {
	ord, ams := newAsked(t, "primary;epoch=h%3A1"), newAsked(t, "primary;epoch=i%3A1")
	f := fleet.New(nil, ord.machine("a", "ord"), ams.machine("b", "ams"))
	log := watching(t, f)
	for n := ams.count.Load() + 5; ams.count.Load() < n; {
		<-time.After(time.Millisecond)
	}
	if n := strings.Count(log(), "two regions claim"); n != 1 {
		t.Errorf("said %d times: %s", n, log())
	}
	ams.say("replica;epoch=i%3A1")
	becomes(t, f, primary.Place{Region: "ord", Epoch: "h:1"})
}

// TestMachinesOfOthersAreAskedRarely: they do not know the question.
func TestMachinesOfOthersAreAskedRarely(t *testing.T) {
	ours, other := newAsked(t, "primary;epoch=h%3A1"), newAsked(t, "")
	f := fleet.New(nil, ours.machine("a", "ord"), other.machine("b", "ams"))
	watching(t, f)
	for ours.count.Load() < 30 {
		<-time.After(time.Millisecond)
	}
	if n := other.count.Load(); n < 1 || n > 10 {
		t.Errorf("asked %d times of %d", n, ours.count.Load())
	}
}
