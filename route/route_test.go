package route_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/replay"
	"homing/route"
)

func estimated(a, b region.Code) time.Duration {
	d, _ := region.RoundTrip(a, b)
	return d
}

func m(id machine.ID, app machine.App, in region.Code) fleet.Machine {
	return fleet.Machine{ID: id, App: app, Region: in, Addr: string(id) + ":80", Healthy: true}
}

func sick(m fleet.Machine) fleet.Machine {
	m.Healthy = false
	return m
}

// world holds one machine of "web" in each of several regions, a sick one, and a
// second app, one of whose machines has the ID of one of the first.
var world = fleet.New(estimated,
	m("blog-gru", "blog", "gru"), m("web-ord", "blog", "iad"),
	m("web-syd", "web", "syd"), m("web-ord", "web", "ord"), m("web-ams", "web", "ams"), m("web-iad", "web", "iad"),
	sick(m("web-gru", "web", "gru")), sick(m("ill", "ill", "ord")),
).Snapshot()

func TestChoose(t *testing.T) {
	type in = replay.Instruction
	regions := func(codes ...region.Code) []region.Code { return codes }
	for _, tt := range []struct {
		name string
		wish route.Wish
		want machine.ID // of the app that the wish names last
	}{
		{"the nearest", route.Wish{From: "ord"}, "web-ord"},
		{"the nearest from elsewhere", route.Wish{From: "cdg"}, "web-ams"},
		{"the nearest that is healthy", route.Wish{From: "gru"}, "web-iad"},
		{"the nearest that was not tried", route.Wish{From: "gru", Tried: []machine.ID{"web-iad", "web-ams"}}, "web-ord"},

		{"a region", route.Wish{From: "ord", Replay: in{Regions: regions("syd")}}, "web-syd"},
		{"the first region that can, not the nearest", route.Wish{From: "ord", Replay: in{Regions: regions("syd", "ord")}}, "web-syd"},
		{"the next region when the first has none", route.Wish{From: "ord", Replay: in{Regions: regions("nrt", "ams", "ord")}}, "web-ams"},
		{"the next region when the first is unhealthy", route.Wish{From: "ord", Replay: in{Regions: regions("gru", "syd")}}, "web-syd"},
		{"the next region when the first was tried", route.Wish{From: "ord", Replay: in{Regions: regions("ams", "syd")}, Tried: []machine.ID{"web-ams"}}, "web-syd"},
		{"the nearest within an alias", route.Wish{From: "cdg", Replay: in{Regions: regions("us")}}, "web-iad"},
		{"a region, then an alias around it", route.Wish{From: "cdg", Replay: in{Regions: regions("ord", "us")}}, "web-ord"},
		{"any is everywhere", route.Wish{From: "cdg", Replay: in{Regions: regions("nrt", "any")}}, "web-ams"},

		{"an instance", route.Wish{From: "ord", Replay: in{Instance: "web-syd"}}, "web-syd"},
		{"an instance in the region named", route.Wish{From: "ord", Replay: in{Instance: "web-syd", Regions: regions("apac")}}, "web-syd"},
		{"an instance wins over a preferred one", route.Wish{From: "ord", Replay: in{Instance: "web-syd", PreferInstance: "web-ams"}}, "web-syd"},

		{"a preferred instance", route.Wish{From: "ord", Replay: in{PreferInstance: "web-syd"}}, "web-syd"},
		{"a preferred instance outside the regions", route.Wish{From: "ord", Replay: in{PreferInstance: "web-syd", Regions: regions("ams")}}, "web-syd"},
		{"a preferred one that does not exist", route.Wish{From: "ord", Replay: in{PreferInstance: "gone", Regions: regions("ams")}}, "web-ams"},
		{"a preferred one that is unhealthy", route.Wish{From: "ord", Replay: in{PreferInstance: "web-gru"}}, "web-ord"},
		{"a preferred one that was tried", route.Wish{From: "ord", Replay: in{PreferInstance: "web-syd"}, Tried: []machine.ID{"web-syd"}}, "web-ord"},
		{"a preferred one that asked for elsewhere", route.Wish{From: "ord", Replay: in{PreferInstance: "web-syd", Elsewhere: true}, Origin: "web-syd"}, "web-ord"},
		{"a preferred one of another app", route.Wish{From: "ord", Replay: in{PreferInstance: "blog-gru"}}, "web-ord"},
		{"a preferred one whose ID another app has too", route.Wish{From: "syd", Replay: in{PreferInstance: "web-ord"}}, "web-ord"},

		{"elsewhere is not the machine that asked", route.Wish{From: "ord", Replay: in{Elsewhere: true}, Origin: "web-ord"}, "web-iad"},
		{"without elsewhere it may be the same", route.Wish{From: "ord", Replay: in{State: "x"}, Origin: "web-ord"}, "web-ord"},
		{"elsewhere in a list of regions", route.Wish{From: "ord", Replay: in{Elsewhere: true, Regions: regions("ord", "ams")}, Origin: "web-ord"}, "web-ams"},

		{"another app", route.Wish{From: "ord", Replay: in{App: "blog", Regions: regions("sa")}}, "blog-gru"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.wish.App = "web"
			app := tt.wish.App
			if tt.wish.Replay.App != "" {
				app = tt.wish.Replay.App
			}
			got, err := route.Choose(world, tt.wish)
			if got.ID != tt.want || got.App != app || err != nil {
				t.Errorf("chose %s of %q, %v; want %s of %s", got.ID, got.App, err, tt.want, app)
			}
		})
	}
}

func TestWhyNoMachineCanBeChosen(t *testing.T) {
	type in = replay.Instruction
	for _, tt := range []struct {
		name string
		wish route.Wish
		why  route.Why
		text string
	}{
		{"an app that nobody runs", route.Wish{App: "shop"}, route.NoApp, `no app is called "shop"`},
		{"a replay to an app that nobody runs", route.Wish{App: "web", Replay: in{App: "shop", Instance: "web-ord"}}, route.NoApp, `no app is called "shop"`},
		{"none is healthy", route.Wish{App: "ill"}, route.NoMachine, "no machine of ill is healthy"},
		{"the preferred one and all others are unhealthy", route.Wish{App: "ill", Replay: in{PreferInstance: "ill"}}, route.NoMachine, "no machine of ill is healthy"},
		{"none in the region", route.Wish{App: "web", Replay: in{Regions: []region.Code{"nrt"}}}, route.NoCandidate, "web has no machine in nrt"},
		{"none in any of the regions", route.Wish{App: "web", Replay: in{Regions: []region.Code{"nrt", "sin"}}}, route.NoCandidate, "web has no machine in nrt or sin"},
		{"an unhealthy one in the region", route.Wish{App: "web", Replay: in{Regions: []region.Code{"gru"}}}, route.NoCandidate, "no machine of web in gru can take the request"},
		{"all in the region tried", route.Wish{App: "web", Replay: in{Regions: []region.Code{"apac"}}, Tried: []machine.ID{"web-syd"}}, route.NoCandidate, "no machine of web in apac can take the request"},
		{"an instance that does not exist", route.Wish{App: "web", Replay: in{Instance: "gone"}}, route.NoCandidate, "web has no machine called gone"},
		{"an instance of another app", route.Wish{App: "web", Replay: in{Instance: "blog-gru"}}, route.NoCandidate, "web has no machine called blog-gru"},
		{"an instance that is unhealthy", route.Wish{App: "web", Replay: in{Instance: "web-gru"}}, route.NoCandidate, "no machine of web called web-gru can take the request"},
		{"an instance in another region", route.Wish{App: "web", Replay: in{Instance: "web-ord", Regions: []region.Code{"eu"}}}, route.NoCandidate, "web has no machine called web-ord in eu"},
		{"elsewhere than the only one", route.Wish{App: "blog", Origin: "blog-gru", Replay: in{Elsewhere: true}, Tried: []machine.ID{"web-ord"}}, route.NoCandidate, "no other machine of blog can take the request"},
		{"all were tried", route.Wish{App: "blog", Tried: []machine.ID{"blog-gru", "web-ord"}}, route.NoCandidate, "no other machine of blog can take the request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.wish.From = "ord"
			tt.wish.Replay.State = "hunter2" // may be a secret, and the text is shown to the client
			got, err := route.Choose(world, tt.wish)
			var no *route.Error
			if !errors.As(err, &no) || got != (fleet.Machine{}) {
				t.Fatalf("chose %s, %v; want a *route.Error", got.ID, err)
			}
			if no.Why != tt.why || no.Error() != tt.text {
				t.Errorf("why %d, %q; want %d, %q", no.Why, no, tt.why, tt.text)
			}
		})
	}
}

func TestAnEmptyFleetRunsNothing(t *testing.T) {
	_, err := route.Choose(fleet.New(nil).Snapshot(), route.Wish{App: "web"})
	if no, ok := err.(*route.Error); !ok || no.Why != route.NoApp {
		t.Errorf("the error is %v, want NoApp", err)
	}
}

// With each retry one more was tried: every machine is asked once, near ones
// first, and then there is an end.
func TestRetriesVisitEveryMachineOnceNearestFirst(t *testing.T) {
	wish := route.Wish{From: "ord", App: "web"}
	var got []string
	for {
		next, err := route.Choose(world, wish)
		if err != nil {
			break
		}
		got = append(got, string(next.ID))
		wish.Tried = append(wish.Tried, next.ID)
	}
	if want := "web-ord web-iad web-ams web-syd"; strings.Join(got, " ") != want {
		t.Errorf("visited %s, want %s", got, want)
	}
}

// Chance spreads the load over equals and over nobody else. Each of n draws goes
// to one of three with p = 1/3: the bound is ten standard deviations away, which
// happens less than once in 10^22 runs.
func TestTiesAreSpreadOverEquals(t *testing.T) {
	const draws, share, bound = 9000, 3000, 450
	for name, s := range map[string]*fleet.Snapshot{
		"in one region": fleet.New(estimated, m("far", "web", "syd"), m("a", "web", "ord"), m("b", "web", "ord"), sick(m("ill", "web", "ord")),
			m("other", "blog", "ord"), m("c", "web", "ord")).Snapshot(),
		"in regions that are equally far": fleet.New(nil, m("a", "web", "syd"), m("b", "web", "ams"), m("c", "web", "gru")).Snapshot(),
		"after a nearer one was found": fleet.New(estimated, m("x", "web", "syd"), m("y", "web", "syd"), m("a", "web", "ord"), m("b", "web", "ord"),
			m("c", "web", "ord")).Snapshot(),
	} {
		t.Run(name, func(t *testing.T) {
			got := map[machine.ID]int{}
			for range draws {
				chosen, err := route.Choose(s, route.Wish{From: "ord", App: "web"})
				if err != nil {
					t.Fatal(err)
				}
				got[chosen.ID]++
			}
			for _, id := range []machine.ID{"a", "b", "c"} {
				if n := got[id]; n < share-bound || n > share+bound {
					t.Errorf("%s was chosen %d times of %d, want about %d", id, n, draws, share)
				}
			}
			if len(got) != 3 {
				t.Errorf("chosen were %v, want a, b and c only", got)
			}
		})
	}
}

func BenchmarkChoose(b *testing.B) {
	b.ReportAllocs()
	wish := route.Wish{From: "gru", App: "web", Replay: replay.Instruction{Regions: []region.Code{"ord"}}}
	for b.Loop() {
		if _, err := route.Choose(world, wish); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleChoose() {
	fleet := fleet.New(estimated, m("near", "guestbook", "gru"), m("home", "guestbook", "ord")).Snapshot()

	wish := route.Wish{From: "gru", App: "guestbook"}
	chosen, err := route.Choose(fleet, wish)
	fmt.Println(chosen.ID, err)

	wish.Replay = replay.Instruction{Regions: []region.Code{"ord"}, State: "method"}
	chosen, err = route.Choose(fleet, wish)
	fmt.Println(chosen.ID, err)

	wish.Tried = []machine.ID{"home"}
	_, err = route.Choose(fleet, wish)
	fmt.Println(err)
	// Output:
	// near <nil>
	// home <nil>
	// no machine of guestbook in ord can take the request
}
