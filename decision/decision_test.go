package decision_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"homing/decision"
	"homing/machine"
	"homing/position"
)

// reasons are all there are, with where they send a request.
var reasons = map[decision.Reason]string{
	decision.Off: "serve", decision.Primary: "serve", decision.Local: "serve", decision.Read: "serve", decision.Reached: "serve",
	decision.Waited: "serve", decision.Nowhere: "serve", decision.Returned: "serve",
	decision.Method: "home", decision.Captured: "home", decision.Conflict: "home", decision.Down: "home", decision.Stale: "home",
	decision.Threshold: "home", decision.Missing: "home", decision.Asked: "home", decision.Replaced: "home",
}

func TestReasonsAreAllThereAre(t *testing.T) {
	if got, want := decision.Reasons(), slices.Sorted(maps.Keys(reasons)); !slices.Equal(got, want) {
		t.Errorf("reasons are %v, want %v", got, want)
	}
}

func TestEveryReasonServesOrSendsHome(t *testing.T) {
	for r, want := range reasons {
		if got := (decision.Decision{Reason: r}).Action(); got != want || r.IsHome() != (want == "home") {
			t.Errorf("%s: %s, IsHome %v; want %s", r, got, r.IsHome(), want)
		}
	}
}

// The words stand in a sentence on the page and in the log.
func TestEveryReasonHasWordsOfItsOwn(t *testing.T) {
	seen := map[string]decision.Reason{}
	for r := range reasons {
		w := r.Words()
		if other, twice := seen[w]; twice || w == string(r) {
			t.Errorf("%s and %s both say %q", r, other, w)
		}
		seen[w] = r
		if strings.HasSuffix(w, ".") || strings.ToLower(w[:1]) != w[:1] || strings.ContainsAny(w, "\n;") {
			t.Errorf("%s: %q is no clause for the middle of a sentence", r, w)
		}
	}
	if got := decision.Reason("from tomorrow").Words(); got != "from tomorrow" {
		t.Errorf("a reason that is not known says %q, want itself", got)
	}
}

// A reason sent home is the state of a replay, and every reason a header's text.
func TestReasonsAreOneWord(t *testing.T) {
	for r := range reasons {
		if string(r) == "" || strings.Trim(string(r), "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("reason %q, want letters only", r)
		}
	}
}

var headers = []struct {
	name string
	d    decision.Decision
	want string
}{
	{"served by the primary", decision.Decision{Reason: decision.Primary, Role: machine.Primary}, "serve;reason=primary;role=primary"},
	{"sent home for its method", decision.Decision{Reason: decision.Method, Role: machine.Replica}, "home;reason=method;role=replica"},
	{"no database", decision.Decision{Reason: decision.Down}, "home;reason=down;role=none"},
	{"waited for a position",
		decision.Decision{Reason: decision.Waited, Role: machine.Replica, Wanted: "0b", Found: "0b", Waited: 1200 * time.Microsecond},
		"serve;reason=waited;role=replica;wanted=0b;found=0b;waited=1200"},
	{"positions with separators",
		decision.Decision{Reason: decision.Stale, Role: machine.Replica, Wanted: "0/16B;x=1", Found: "a:1-7,b+c %"},
		"home;reason=stale;role=replica;wanted=0%2F16B%3Bx%3D1;found=a%3A1-7%2Cb%2Bc+%25"},
	{"a replica that has nothing", decision.Decision{Reason: decision.Stale, Role: machine.Replica, Wanted: "1"},
		"home;reason=stale;role=replica;wanted=1;found="},
}

func TestADecisionIsReadAsItWasWritten(t *testing.T) {
	for _, tt := range headers {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.d.String(); got != tt.want {
				t.Errorf("written %q, want %q", got, tt.want)
			}
			if got, err := decision.Parse(tt.want); got != tt.d || err != nil {
				t.Errorf("read %+v, %v; want %+v", got, err, tt.d)
			}
		})
	}
}

func TestEveryDecisionOfTheHandlerFits(t *testing.T) {
	longest := position.Position(strings.Repeat("/", position.MaxTokenLen))
	want := decision.Decision{Reason: decision.Threshold, Role: machine.Replica, Wanted: longest, Found: longest, Waited: time.Hour}
	if got, err := decision.Parse(want.String()); got != want || err != nil {
		t.Errorf("two positions of a token's length, escaped: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		want decision.Decision
		bad  string
	}{
		{"only the action", "serve", decision.Decision{}, ""},
		{"fields of a newer machine", "serve;colour=blue;reason=read;x", decision.Decision{Reason: decision.Read}, ""},
		{"a reason of a newer machine", "serve;reason=tomorrow", decision.Decision{Reason: "tomorrow"}, ""},
		{"a role that is not known", "serve;role=leader", decision.Decision{}, ""},
		{"empty", "", decision.Decision{}, `want "serve" or "home" first`},
		{"another action", "drop;reason=read", decision.Decision{}, `want "serve" or "home" first`},
		{"a bad escape", "home;wanted=%2", decision.Decision{}, "wanted: invalid URL escape"},
		{"a time that is no number", "serve;waited=soon", decision.Decision{}, "waited: want microseconds"},
		{"a time before now", "serve;reason=waited;waited=-1", decision.Decision{}, "waited: want microseconds"},
		{"a time that would overflow", "serve;waited=9223372036854775807", decision.Decision{}, "waited: want microseconds"},
		{"far too long", "serve;" + strings.Repeat("x", 1<<16), decision.Decision{}, "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decision.Parse(tt.in)
			if got != tt.want || (err != nil) != (tt.bad != "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("Parse(%.40q) = %+v, %v; want %+v, %q", tt.in, got, err, tt.want, tt.bad)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range headers {
		f.Add(tt.want)
	}
	f.Add("serve;reason=tomorrow;found=b;waited=1;x=")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := decision.Parse(s)
		if err != nil {
			if d != (decision.Decision{}) {
				t.Fatalf("Parse(%q) = %+v with an error", s, d)
			}
			return
		}
		out := d.String()
		if len(out) > 4096 {
			return // raw bytes that were not escaped in s, and are now
		}
		again, err := decision.Parse(out)
		if d.Wanted == "" {
			d.Found = "" // not asked, so not written
		}
		if err != nil || again != d {
			t.Fatalf("%q is %+v, written %q, and then %+v, %v", s, d, out, again, err)
		}
	})
}

func ExampleParse() {
	d, err := decision.Parse("home;reason=stale;role=replica;wanted=0c;found=0b;waited=40000")
	fmt.Println(d.Action(), d.Role, d.Wanted, d.Found, d.Waited, err)
	fmt.Println(d.Reason.Words())
	// Output:
	// home replica 0c 0b 40ms <nil>
	// what this client wrote has not arrived here in time
}

func ExampleDecision_String() {
	fmt.Println(decision.Decision{Reason: decision.Captured, Role: machine.Replica})
	// Output: home;reason=captured;role=replica
}
