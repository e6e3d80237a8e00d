package primary_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"homing/machine"
	"homing/position"
	"homing/primary"
)

func TestClaimsAreReadBack(t *testing.T) {
	for header, want := range map[string]primary.Claim{
		"primary;epoch=7316%3A2":          {Role: machine.Primary, Epoch: "7316:2"},
		"replica;epoch=7316%3A2;lag=12ms": {Role: machine.Replica, Epoch: "7316:2", Lag: 12 * time.Millisecond},
		"replica":                         {Role: machine.Replica},
		"none":                            {},
	} {
		if got := want.String(); got != header {
			t.Errorf("%+v is written %q, want %q", want, got, header)
		}
		if got, err := primary.ParseClaim(header); got != want || err != nil {
			t.Errorf("%q is read as %+v, %v", header, got, err)
		}
	}
}

func TestParseClaim(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		want         primary.Claim
		err          string
	}{
		{"fields that are not known", "replica;colour=red;epoch=1%3A1;x", primary.Claim{Role: machine.Replica, Epoch: "1:1"}, ""},
		{"blanks", " primary ; epoch=a", primary.Claim{Role: machine.Primary, Epoch: "a"}, ""},
		{"another role", "leader", primary.Claim{}, `role "leader"`},
		{"nothing", "", primary.Claim{}, `role ""`},
		{"an epoch that is cut", "primary;epoch=%2", primary.Claim{}, "epoch"},
		{"a lag without a unit", "replica;lag=12", primary.Claim{}, "lag"},
		{"a negative lag", "replica;lag=-1ms", primary.Claim{}, "lag"},
		{"a header without end", "replica;epoch=" + strings.Repeat("a", 2000), primary.Claim{}, "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := primary.ParseClaim(tt.header)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestPlacesAreReadBack(t *testing.T) {
	for header, want := range map[string]primary.Place{
		"":                    {},
		"ams":                 {Region: "ams"},
		"ams;epoch=7316%3A2":  {Region: "ams", Epoch: "7316:2"},
		"none;epoch=7316%3A2": {Epoch: "7316:2"},
	} {
		if got := want.String(); got != header {
			t.Errorf("%+v is written %q, want %q", want, got, header)
		}
		if got, err := primary.ParsePlace(header); got != want || err != nil {
			t.Errorf("%q is read as %+v, %v", header, got, err)
		}
	}
	for _, bad := range []string{"AMS!", "eu", ";epoch=a", "ams;epoch=%", strings.Repeat("a", 2000)} {
		if got, err := primary.ParsePlace(bad); err == nil {
			t.Errorf("%.20q is read as %+v", bad, got)
		}
	}
}

// claims are written "ord primary h:1, ams replica h:1, gru silent".
func claims(t *testing.T, text string) (all []primary.Witness) {
	for part := range strings.SplitSeq(text, ", ") {
		var w primary.Witness
		var role string
		if n, _ := fmt.Sscan(part, &w.Region, &role, &w.Claim.Epoch); n < 2 && part != "" {
			t.Fatalf("%q", part)
		}
		w.Silent = role == "silent"
		if w.Claim.Role = machine.ParseRole(role); part != "" {
			all = append(all, w)
		}
	}
	return all
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name     string
		before   primary.Place
		claims   string
		want     primary.Place
		disputed bool
	}{
		{"nobody says anything", primary.Place{}, "", primary.Place{}, false},
		{"machines without a database", primary.Place{}, "ord none, gru none", primary.Place{}, false},
		{"one primary", primary.Place{}, "ord primary h:1, ams replica h:1", primary.Place{Region: "ord", Epoch: "h:1"}, false},
		{"two machines on one primary", primary.Place{}, "ord primary h:1, ord primary h:1", primary.Place{Region: "ord", Epoch: "h:1"}, false},
		{"a primary whose epoch is not known", primary.Place{}, "ord primary", primary.Place{Region: "ord"}, false},
		{"replicas alone", primary.Place{}, "ord replica h:1", primary.Place{Epoch: "h:1"}, false},
		{"replicas, and one that has not told", primary.Place{}, "ord silent, ams replica h:1", primary.Place{Epoch: "h:1", Unheard: true}, false},
		{"a primary, and one that has not told", primary.Place{}, "ord primary h:1, ams silent", primary.Place{Region: "ord", Epoch: "h:1"}, false},
		{"the primary has gone", primary.Place{Region: "ord", Epoch: "h:1"}, "ord none, ams replica h:1", primary.Place{Epoch: "h:1"}, false},
		{"another was promoted", primary.Place{Epoch: "h:1"}, "ord none, ams primary h:2", primary.Place{Region: "ams", Epoch: "h:2"}, false},
		{"the old one comes back", primary.Place{Region: "ams", Epoch: "h:2"}, "ord primary h:1, ams primary h:2", primary.Place{Region: "ams", Epoch: "h:2"}, false},
		{"the old one comes back, and the new one is out of sight", primary.Place{Region: "ams", Epoch: "h:2"}, "ord primary h:1", primary.Place{Epoch: "h:2"}, false},
		{"a replica has seen a newer epoch", primary.Place{}, "ord primary h:1, gru replica h:2", primary.Place{Epoch: "h:2"}, false},
		{"the tenth epoch is newer than the ninth", primary.Place{Epoch: "h:9"}, "ord primary h:10", primary.Place{Region: "ord", Epoch: "h:10"}, false},
		{"two of the same epoch", primary.Place{}, "ord primary h:1, ams primary h:1", primary.Place{Epoch: "h:1"}, true},
		{"two of different histories", primary.Place{}, "ord primary h:1, ams primary i:1", primary.Place{Epoch: "h:1"}, true},
		{"two that nothing is known of", primary.Place{}, "ord primary, ams primary", primary.Place{}, true},
		{"a history that begins anew", primary.Place{Region: "ord", Epoch: "aaaa"}, "ord primary bbbb", primary.Place{Region: "ord", Epoch: "bbbb"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, disputed := primary.Resolve(tt.before, claims(t, tt.claims))
			if got != tt.want || disputed != tt.disputed {
				t.Errorf("got %+v, disputed %v", got, disputed)
			}
		})
	}
}

func TestWhatIsUnheardIsNotMissing(t *testing.T) {
	p := primary.Place{Epoch: "h:1", Unheard: true}
	if p.Missing() || p.Known() || p.String() != "" || !(primary.Place{Epoch: "h:1"}).Missing() {
		t.Errorf("missing %v, known %v, told as %q", p.Missing(), p.Known(), p)
	}
}

func TestDeposes(t *testing.T) {
	now := primary.Place{Region: "ams", Epoch: "h:2"}
	for e, want := range map[position.Epoch]bool{"h:1": true, "h:2": false, "h:3": false, "i:1": false, "": false} {
		if got := now.Deposes(e); got != want {
			t.Errorf("%q: %v", e, got)
		}
	}
}

func FuzzParseClaim(f *testing.F) {
	f.Add("primary;epoch=7316%3A2;lag=12ms")
	f.Fuzz(func(t *testing.T, header string) {
		c, err := primary.ParseClaim(header)
		if err != nil {
			return
		}
		c.Lag = c.Lag.Truncate(time.Millisecond)
		if again, err := primary.ParseClaim(c.String()); err == nil && again != c {
			t.Errorf("%+v became %+v", c, again)
		}
	})
}
