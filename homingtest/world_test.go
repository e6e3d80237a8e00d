package homingtest_test

import (
	"net/url"
	"testing"
	"time"

	"homing/decision"
	"homing/homingtest"
	"homing/region"
)

func start(t testing.TB) *homingtest.World {
	t.Helper()
	return homingtest.Start(t, homingtest.World{Regions: "ord gru ams", App: newApp, Prepare: migrate})
}

// insert writes to a region's database past the app.
func insert(t testing.TB, w *homingtest.World, at region.Code, text string) {
	t.Helper()
	if _, err := w.SQL(at).ExecContext(t.Context(), "INSERT INTO entries VALUES ($1)", text); err != nil {
		t.Fatal(err)
	}
}

// reads fails the test unless a client without a past reads this in a region, next door.
func reads(t testing.TB, w *homingtest.World, at region.Code, want string) {
	t.Helper()
	if got := w.Client(at).Get("/entries"); got.Body != want || got.Journey.Region != at {
		t.Errorf("in %s one reads %q, want %q: %v", at, got.Body, want, got.Journey)
	}
}

// TestWhatIsHeldBackIsCertain: all that was written before, nothing that comes after.
func TestWhatIsHeldBackIsCertain(t *testing.T) {
	t.Parallel()
	w := start(t)
	insert(t, w, "ord", "before")
	w.HoldReplication("gru")
	w.HoldReplication("gru") // once more changes nothing
	insert(t, w, "ord", "after")
	w.CatchUp() // the others
	reads(t, w, "gru", "before\n")
	reads(t, w, "ams", "before\nafter\n")
	w.ReleaseReplication("gru")
	w.CatchUp()
	reads(t, w, "gru", "before\nafter\n")
}

func TestAReplicasMachineStopsAndStarts(t *testing.T) {
	t.Parallel()
	w := start(t)
	ana := w.Client("gru")
	w.StopMachine("gru")
	w.StopMachine("gru")
	ana.PostForm("/entries", url.Values{"text": {"meanwhile"}})
	if got := ana.Get("/entries"); got.Body != "meanwhile\n" || got.Journey.Region == "gru" {
		t.Errorf("without the machine in gru one reads %q: %v", got.Body, got.Journey)
	}
	w.StartMachine("gru")
	if got := ana.Get("/entries"); got.Body != "meanwhile\n" || got.Journey.Region != "gru" || got.Journey.Reason != decision.Reached {
		t.Errorf("with the machine in gru one reads %q: %v", got.Body, got.Journey)
	}
}

func TestThePrimarysMachineStopsAndStarts(t *testing.T) {
	t.Parallel()
	w := start(t)
	insert(t, w, "ord", "before")
	w.CatchUp()
	w.StopMachine("ord")
	w.HoldReplication("ams") // nobody is there to catch up with
	w.ReleaseReplication("ams")
	reads(t, w, "gru", "before\n")
	waits := make(chan *homingtest.Response)
	go func() { waits <- w.Client("gru").PostForm("/entries", url.Values{"text": {"waits"}}) }()
	w.StartMachine("ord")
	if got := <-waits; got.Body != "before\nwaits\n" || got.Before.Journey.Region != "ord" {
		t.Errorf("a write that waited for the primary was followed by %q: %v", got.Body, got.Before.Journey)
	}
	w.CatchUp()
	reads(t, w, "ams", "before\nwaits\n")
}

// TestTheFirstRegionIsThePrimarys, unless another one is named; and there may be one.
func TestTheFirstRegionIsThePrimarys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		regions       string
		primary, want region.Code
	}{{"gru ord", "", "gru"}, {"gru ord", "ord", "ord"}, {"ams", "", "ams"}} {
		w := homingtest.Start(t, homingtest.World{Regions: tt.regions, Primary: tt.primary, App: newApp, Prepare: migrate})
		got := w.Client(region.Code(tt.regions[:3])).PostForm("/entries", url.Values{"text": {"hello"}})
		if got.Before == nil || got.Before.Journey.Region != tt.want {
			t.Errorf("in %q with %q a write went to %v, want %s", tt.regions, tt.primary, got, tt.want)
		}
	}
}

func TestDistancesAreKept(t *testing.T) {
	t.Parallel()
	const away = 30 * time.Millisecond
	w := homingtest.Start(t, homingtest.World{
		Regions: "ord gru", App: newApp, Prepare: migrate,
		Distances: func(a, b region.Code) time.Duration {
			if a == b {
				return 0
			}
			return away
		},
	})
	got := w.Client("gru").PostForm("/entries", url.Values{"text": {"far"}})
	if took := got.Before.Journey.Duration; took < away {
		t.Errorf("a write far from home took %v, less than the way: %v", took, got.Before.Journey)
	}
}
