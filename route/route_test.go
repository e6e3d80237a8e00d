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
// second app, one of whose machines has the ID of one of the first; and apps that
// are full, starting, or without machines.
var world = newWorld(
	m("blog-gru", "blog", "gru"), m("web-ord", "blog", "iad"),
	m("web-syd", "web", "syd"), m("web-ord", "web", "ord"), m("web-ams", "web", "ams"), m("web-iad", "web", "iad"),
	sick(m("web-gru", "web", "gru")), sick(m("ill", "ill", "ord")),
	full("full-1", "ord"), full("full-2", "gru"),
	fleet.Machine{ID: "starts", App: "ports", Region: "ord", Healthy: true, Starting: true, Ports: []uint16{80}},
	fleet.Machine{ID: "http", App: "ports", Region: "ord", Healthy: true, Ports: []uint16{80, 81}},
	fleet.Machine{ID: "https", App: "ports", Region: "syd", Healthy: true, Ports: []uint16{443}},
)

func newWorld(machines ...fleet.Machine) *fleet.Snapshot {
	f := fleet.New(estimated, machines...)
	if err := f.SetApps(fleet.App{Name: "idle"}); err != nil {
		panic(err)
	}
	for _, m := range f.Snapshot().Machines() {
		if m.Limits.Hard > 0 {
			m.Acquire()
		}
	}
	return f.Snapshot()
}

func full(id machine.ID, in region.Code) fleet.Machine {
	f := m(id, "full", in)
	f.Limits.Hard = 1
	return f
}

func TestChoose(t *testing.T) {
	type in = replay.Instruction
	type asked = replay.Placement
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

		{"the origin's ID in another app is another machine", route.Wish{From: "ord", OriginApp: "web", Origin: "web-ord", Replay: in{App: "blog", Elsewhere: true}}, "web-ord"},
		{"elsewhere in the origin's app, named", route.Wish{From: "ord", OriginApp: "web", Origin: "web-ord", Replay: in{Elsewhere: true}}, "web-iad"},

		{"a region the client prefers", route.Wish{From: "ord", Asked: asked{PreferRegions: regions("nrt", "ams")}}, "web-ams"},
		{"the nearest when the preferred have none", route.Wish{From: "ord", Asked: asked{PreferRegions: regions("nrt", "gru")}}, "web-ord"},
		{"a region the client forces", route.Wish{From: "ord", Asked: asked{ForceRegions: regions("gru", "syd", "ams")}}, "web-syd"},
		{"what is forced before what is preferred", route.Wish{From: "ord", Asked: asked{ForceRegions: regions("syd", "ams"), PreferRegions: regions("ams")}}, "web-syd"},
		{"a machine the client prefers", route.Wish{From: "ord", Asked: asked{PreferInstance: "web-ams"}}, "web-ams"},
		{"a machine before a region", route.Wish{From: "ord", Asked: asked{PreferInstance: "web-ams", PreferRegions: regions("syd")}}, "web-ams"},
		{"the region when the machine cannot", route.Wish{From: "ord", Asked: asked{PreferInstance: "web-gru", PreferRegions: regions("syd")}}, "web-syd"},
		{"a preferred machine in the forced regions", route.Wish{From: "ord", Asked: asked{PreferInstance: "web-ams", ForceRegions: regions("syd", "eu")}}, "web-ams"},
		{"no preferred machine outside the forced regions", route.Wish{From: "ord", Asked: asked{PreferInstance: "web-ams", ForceRegions: regions("syd")}}, "web-syd"},
		{"a machine the client forces", route.Wish{From: "ord", Asked: asked{ForceInstance: "web-syd"}}, "web-syd"},
		{"a forced machine that is unhealthy", route.Wish{From: "ord", Asked: asked{ForceInstance: "web-gru"}}, "web-gru"},
		{"a forced machine before regions", route.Wish{From: "ord", Asked: asked{ForceInstance: "web-syd", ForceRegions: regions("ams"), PreferInstance: "web-ams"}}, "web-syd"},
		{"a replay overrides what is forced", route.Wish{From: "ord", Replay: in{Regions: regions("ams")}, Asked: asked{ForceInstance: "web-syd", ForceRegions: regions("syd")}}, "web-ams"},
		{"a replay that names nothing does, too", route.Wish{From: "ord", Origin: "web-ams", Replay: in{State: "x"}, Asked: asked{ForceInstance: "web-syd"}}, "web-ord"},
		{"a replay that prefers does, too", route.Wish{From: "ord", Replay: in{PreferInstance: "web-ams"}, Asked: asked{ForceInstance: "web-syd"}}, "web-ams"},

		{"the one that serves the port", route.Wish{From: "ord", Port: 443, Replay: in{App: "ports"}}, "https"},
		{"another port, another group", route.Wish{From: "ord", Port: 80, Replay: in{App: "ports"}}, "http"},

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
	type asked = replay.Placement
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
		{"an unhealthy one in the region", route.Wish{App: "web", Replay: in{Regions: []region.Code{"gru"}}}, route.NotReady, "no machine of web in gru can take the request"},
		{"all in the region tried", route.Wish{App: "web", Replay: in{Regions: []region.Code{"apac"}}, Tried: []machine.ID{"web-syd"}}, route.NotReady, "no machine of web in apac can take the request"},
		{"an instance that does not exist", route.Wish{App: "web", Replay: in{Instance: "gone"}}, route.NoCandidate, "web has no machine called gone"},
		{"an instance of another app", route.Wish{App: "web", Replay: in{Instance: "blog-gru"}}, route.NoCandidate, "web has no machine called blog-gru"},
		{"an instance that is unhealthy", route.Wish{App: "web", Replay: in{Instance: "web-gru"}}, route.NotReady, "no machine of web called web-gru can take the request"},
		{"an instance in another region", route.Wish{App: "web", Replay: in{Instance: "web-ord", Regions: []region.Code{"eu"}}}, route.NoCandidate, "web has no machine called web-ord in eu"},
		{"elsewhere than the only one", route.Wish{App: "blog", Origin: "blog-gru", Replay: in{Elsewhere: true}, Tried: []machine.ID{"web-ord"}}, route.NoCandidate, "no other machine of blog can take the request"},
		{"all were tried", route.Wish{App: "blog", Tried: []machine.ID{"blog-gru", "web-ord"}}, route.NoCandidate, "no other machine of blog can take the request"},
		{"all are full", route.Wish{App: "full"}, route.AllBusy, "every machine of full is at its limit"},
		{"one is full, the other was tried", route.Wish{App: "full", Tried: []machine.ID{"full-1"}}, route.AllBusy, "every machine of full is at its limit"},
		{"all in the region are full", route.Wish{App: "full", Replay: in{Regions: []region.Code{"gru"}}}, route.AllBusy, "every machine of full in gru is at its limit"},
		{"the instance is full", route.Wish{App: "full", Replay: in{Instance: "full-2"}}, route.AllBusy, "every machine of full called full-2 is at its limit"},
		{"all that were full were tried", route.Wish{App: "full", Tried: []machine.ID{"full-1", "full-2"}}, route.NoCandidate, "no other machine of full can take the request"},
		{"the instance is starting", route.Wish{App: "ports", Replay: in{Instance: "starts"}}, route.NotReady, "no machine of ports called starts can take the request"},
		{"none serves the port", route.Wish{App: "ports", Port: 25}, route.NoMachine, "ports has no machine that serves port 25"},
		{"the instance does not serve the port", route.Wish{App: "ports", Port: 443, Replay: in{Instance: "http"}}, route.NoCandidate, "ports has no machine called http that serves port 443"},
		{"an app without machines", route.Wish{App: "idle"}, route.NoMachine, "idle has no machine"},
		{"elsewhere in an app of one", route.Wish{App: "ill", Origin: "ill", Replay: in{Elsewhere: true}}, route.NoCandidate, "ill has no other machine"},

		{"none in the forced region", route.Wish{App: "web", Asked: asked{ForceRegions: []region.Code{"nrt"}}}, route.NoCandidate, "web has no machine in nrt"},
		{"the one in the forced region is unhealthy", route.Wish{App: "web", Asked: asked{ForceRegions: []region.Code{"gru"}}}, route.NotReady, "no machine of web in gru can take the request"},
		{"a preferred machine outside the forced regions", route.Wish{App: "web", Asked: asked{ForceRegions: []region.Code{"nrt"}, PreferInstance: "web-syd"}}, route.NoCandidate, "web has no machine in nrt"},
		{"the forced machine does not exist", route.Wish{App: "web", Asked: asked{ForceInstance: "gone"}}, route.NoCandidate, "web has no machine called gone"},
		{"the forced machine was tried", route.Wish{App: "web", Asked: asked{ForceInstance: "web-syd"}, Tried: []machine.ID{"web-syd"}}, route.NotReady, "no machine of web called web-syd can take the request"},
		{"the forced machine is full", route.Wish{App: "full", Asked: asked{ForceInstance: "full-2"}}, route.AllBusy, "every machine of full called full-2 is at its limit"},
		{"nothing preferred is ready", route.Wish{App: "ill", Asked: asked{PreferRegions: []region.Code{"ord"}, PreferInstance: "ill"}}, route.NoMachine, "no machine of ill is healthy"},

		{"a list too long to show", route.Wish{App: "web", Replay: in{Regions: []region.Code{"nrt", "sin", "hkg", "bom", "jnb", "lhr"}}}, route.NoCandidate,
			"web has no machine in nrt or sin or hkg or bom or 2 more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.wish.From = "ord"
			tt.wish.Replay.State = "hunter2" // may be a secret, and the text is shown to the client
			got, err := route.Choose(world, tt.wish)
			var no *route.Error
			if !errors.As(err, &no) || got.ID != "" {
				t.Fatalf("chose %s, %v; want a *route.Error", got.ID, err)
			}
			if no.Why != tt.why || no.Error() != tt.text {
				t.Errorf("why %d, %q; want %d, %q", no.Why, no, tt.why, tt.text)
			}
			if (len(no.Busy()) > 0) != (tt.why == route.AllBusy) {
				t.Errorf("to be waited for are %d machines", len(no.Busy()))
			}
			if _, taken := route.Take(world, &tt.wish); taken.Error() != tt.text {
				t.Errorf("Take says %v", taken)
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
