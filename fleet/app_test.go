package fleet_test

import (
	"strings"
	"testing"

	"homing/fleet"
	"homing/machine"
)

func TestMayReplay(t *testing.T) {
	shop := fleet.App{Name: "shop", Organisation: "acme"}
	for _, tt := range []struct {
		name     string
		from, to fleet.App
		want     bool
	}{
		{"into itself", shop, shop, true},
		{"within an organisation", shop, fleet.App{Name: "api", Organisation: "acme"}, true},
		{"into another organisation", shop, fleet.App{Name: "api", Organisation: "umbrella"}, false},
		{"into one that allows others", shop, fleet.App{Name: "api", Organisation: "umbrella", AllowFrom: []fleet.Organisation{"hooli"}}, false},
		{"into one that allows it", shop, fleet.App{Name: "api", Organisation: "umbrella", AllowFrom: []fleet.Organisation{"hooli", "acme"}}, true},
		{"what it allows itself does not count", fleet.App{Name: "shop", Organisation: "acme", AllowFrom: []fleet.Organisation{"umbrella"}},
			fleet.App{Name: "api", Organisation: "umbrella"}, false},
		{"without organisations", fleet.App{Name: "a"}, fleet.App{Name: "b"}, true},
		{"from none into one", fleet.App{Name: "a"}, fleet.App{Name: "b", Organisation: "acme"}, false},
		{"from one into none", shop, fleet.App{Name: "b"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fleet.MayReplay(&tt.from, &tt.to); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func described(t *testing.T, apps ...fleet.App) *fleet.Snapshot {
	t.Helper()
	f := fleet.New(nil, fleet.Machine{App: "plain", ID: "a"})
	if err := f.SetApps(apps...); err != nil {
		t.Fatal(err)
	}
	f.Update(fleet.Machine{App: "plain", ID: "b"}) // keeps the apps
	return f.Snapshot()
}

func TestApp(t *testing.T) {
	s := described(t, fleet.App{Name: "shop", Organisation: "acme"})
	for name, want := range map[machine.App]fleet.Organisation{"shop": "acme", "plain": ""} {
		if app, ok := s.App(name); !ok || app.Name != name || app.Organisation != want {
			t.Errorf("App(%s) = %+v, %v", name, app, ok)
		}
	}
	if app, ok := s.App("gone"); ok {
		t.Errorf("an app nobody runs or described: %+v", app)
	}
	if app, ok := fleet.New(nil).Snapshot().App("gone"); ok {
		t.Errorf("an empty fleet has %+v", app)
	}
}

func TestAppByHost(t *testing.T) {
	shop := fleet.App{Name: "shop", Hosts: []string{"Example.com", "*.example.com", "::1"}}
	eu := fleet.App{Name: "eu", Hosts: []string{"*.eu.example.com", "own.example.com."}}
	rest := fleet.App{Name: "rest", Hosts: []string{"*"}}
	for _, tt := range []struct{ name, host, want string }{
		{"an exact name", "example.com", "shop"},
		{"in another case", "eXAMPLE.cOM", "shop"},
		{"with a port", "example.com:8080", "shop"},
		{"with an empty port", "example.com:", "shop"},
		{"with the last dot", "example.com.", "shop"},
		{"with the last dot and a port", "own.example.com.:80", "eu"},
		{"a wildcard", "www.example.com", "shop"},
		{"a wildcard in another case, with a port", "WWW.Example.com:443", "shop"},
		{"a wildcard at any depth", "a.b.example.com", "shop"},
		{"exact before wildcard", "own.example.com", "eu"},
		{"below an exact name", "x.own.example.com", "shop"},
		{"the longer wildcard", "a.eu.example.com", "eu"},
		{"the end of a wildcard is not in it", "eu.example.com", "shop"},
		{"a name that only ends alike", "myexample.com", "rest"},
		{"an address in brackets", "[::1]:8080", "shop"},
		{"an address in brackets without a port", "[::1]", "shop"},
		{"another name", "other.test", "rest"},
		{"nothing before a dot", ".example.com", "rest"},
		{"no name", "", "rest"},
		{"a name longer than names are", strings.Repeat("a.", 50_000) + "example.com", "rest"},
		{"no name at all", "a:b:c", "rest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app, ok := described(t, shop, eu, rest).AppByHost(tt.host)
			if !ok || string(app.Name) != tt.want {
				t.Errorf("%.40q is for %q, %v; want %s", tt.host, app.Name, ok, tt.want)
			}
			app, ok = described(t, eu, shop).AppByHost(tt.host)
			if want := strings.Replace(tt.want, "rest", "", 1); string(app.Name) != want || ok != (want != "") {
				t.Errorf("without a default %.40q is for %q, %v; want %q", tt.host, app.Name, ok, want)
			}
		})
	}
	nameless := fleet.New(nil, fleet.Machine{ID: "a"})
	if err := nameless.SetApps(shop); err != nil {
		t.Fatal(err)
	}
	if app, ok := nameless.Snapshot().AppByHost("nobody.example.org"); ok {
		t.Errorf("a host of nobody is that of the machine without an app: %+v", app)
	}
	if app, ok := fleet.New(nil, fleet.Machine{App: "plain"}).Snapshot().AppByHost("plain"); ok {
		t.Errorf("without hosts a request is for %+v", app)
	}
}

func TestAppsThatCannotBe(t *testing.T) {
	app := func(name machine.App, hosts ...string) fleet.App { return fleet.App{Name: name, Hosts: hosts} }
	for _, tt := range []struct {
		name string
		apps []fleet.App
		want string
	}{
		{"a name that is none", []fleet.App{app("a b")}, `app name "a b"`},
		{"one described twice", []fleet.App{app("a"), app("a")}, "app a is described twice"},
		{"a host taken twice", []fleet.App{app("a", "x.test"), app("b", "X.test.")}, "app b: host X.test. is taken by app a"},
		{"a wildcard taken twice", []fleet.App{app("a", "*.x.test"), app("b", "*.x.test")}, "is taken by app a"},
		{"two defaults", []fleet.App{app("a", "*"), app("b", "*")}, "is taken by app a"},
		{"a port", []fleet.App{app("a", "x.test:80")}, "without a port"},
		{"a path", []fleet.App{app("a", "x.test/a")}, "want a name"},
		{"a star in a name", []fleet.App{app("a", "*x.test")}, "want a name"},
		{"a star in the middle", []fleet.App{app("a", "x.*.test")}, "want a name"},
		{"a star and a dot", []fleet.App{app("a", "*.")}, "want a name"},
		{"a dot in front", []fleet.App{app("a", ".x.test")}, "want a name"},
		{"nothing", []fleet.App{app("a", "")}, "want a name"},
		{"too long a name", []fleet.App{app("a", strings.Repeat("a.", 150))}, "want a name"},
		{"all that is wrong at once", []fleet.App{app("a", "x/y"), app("", "")}, "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := fleet.New(nil)
			before := f.Snapshot()
			err := f.SetApps(tt.apps...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 400 {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if f.Snapshot() != before {
				t.Error("the fleet was changed")
			}
		})
	}
}

func BenchmarkAppByHost(b *testing.B) {
	f := fleet.New(nil)
	if err := f.SetApps(fleet.App{Name: "shop", Hosts: []string{"*.example.com"}}); err != nil {
		b.Fatal(err)
	}
	s := f.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.AppByHost("a.b.example.com:8080"); !ok {
			b.Fatal("not found")
		}
	}
}
