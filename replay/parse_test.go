package replay_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"homing/machine"
	"homing/region"
	"homing/replay"
)

const ms = time.Millisecond

// parseCases is the corpus of the header form: the fields as Fly documents them,
// and what apps may write instead. diverges says what Fly documents where we read
// it otherwise, see "Deliberate differences". It seeds the fuzzer too.
var parseCases = []struct {
	name     string
	in       string
	want     replay.Instruction
	bad      string // part of the error, empty if it must parse
	diverges string
}{
	// One field each, as in Fly's documentation.
	{name: "a region", in: "region=ord", want: replay.Instruction{Regions: []region.Code{"ord"}}},
	{name: "a list of regions", in: `region="iad,ord,us"`, want: replay.Instruction{Regions: []region.Code{"iad", "ord", "us"}}},
	{name: "an instance", in: "instance=9020ee72fd7948", want: replay.Instruction{Instance: "9020ee72fd7948"}},
	{name: "a preferred instance", in: "prefer_instance=9020ee72fd7948", want: replay.Instruction{PreferInstance: "9020ee72fd7948"}},
	{name: "an app", in: "app=another-app", want: replay.Instruction{App: "another-app"}},
	{name: "a state", in: "state=captured_write", want: replay.Instruction{State: "captured_write"}},
	{name: "elsewhere", in: "elsewhere=true", want: replay.Instruction{Elsewhere: true}},
	{name: "not elsewhere", in: "elsewhere=false", want: replay.Instruction{}},
	{name: "a timeout in seconds", in: "timeout=10s", want: replay.Instruction{Timeout: 10 * time.Second}},
	{name: "a timeout in milliseconds", in: "timeout=800ms", want: replay.Instruction{Timeout: 800 * ms}},
	{name: "force_self", in: "fallback=force_self", want: replay.Instruction{Fallback: replay.ForceSelf}},
	{name: "prefer_self", in: "fallback=prefer_self", want: replay.Instruction{Fallback: replay.PreferSelf}},
	{name: "everything at once",
		in: `region="ord,eu";instance=a;prefer_instance=b;app=c;state=d;elsewhere=true;timeout=1m30s;fallback=force_self`,
		want: replay.Instruction{Regions: []region.Code{"ord", "eu"}, Instance: "a", PreferInstance: "b", App: "c",
			State: "d", Elsewhere: true, Timeout: 90 * time.Second, Fallback: replay.ForceSelf}},

	// Lenient in.
	{name: "names in any case", in: "Region=ORD;ELSEWHERE=TRUE", want: replay.Instruction{Regions: []region.Code{"ord"}, Elsewhere: true}},
	{name: "blanks around everything", in: " \tregion \t= \" iad , ord \" ;\t app = x ", want: replay.Instruction{Regions: []region.Code{"iad", "ord"}, App: "x"}},
	{name: "separators too many", in: ";;region=ord;; ;", want: replay.Instruction{Regions: []region.Code{"ord"}}},
	{name: "a quoted value that needs none", in: `app="x";elsewhere="true"`, want: replay.Instruction{App: "x", Elsewhere: true}},
	{name: "fields of a newer proxy", in: "region=ord;colour=blue;x-y.z=1;empty=", want: replay.Instruction{Regions: []region.Code{"ord"}}},
	{name: "only fields of a newer proxy", in: "colour=blue", want: replay.Instruction{}},
	{name: "a list without quotes", in: "region=iad,ord,us;app=x", want: replay.Instruction{Regions: []region.Code{"iad", "ord", "us"}, App: "x"},
		diverges: "a list has to be quoted"},
	{name: "a comma that begins a field", in: "region=iad,state=x", want: replay.Instruction{Regions: []region.Code{"iad"}, State: "x"},
		diverges: "fields are joined by semicolons"},
	{name: "a comma after a quoted list", in: `region="iad,ord" , app=x`, want: replay.Instruction{Regions: []region.Code{"iad", "ord"}, App: "x"},
		diverges: "fields are joined by semicolons"},
	{name: "a list without quotes, then a field", in: "region=iad,ord , app = x", want: replay.Instruction{Regions: []region.Code{"iad", "ord"}, App: "x"},
		diverges: "fields are joined by semicolons"},

	// A state is raw to the next semicolon.
	{name: "a state with commas and equals signs", in: "state=a=1,region=ord,b;app=x", want: replay.Instruction{State: "a=1,region=ord,b", App: "x"}},
	{name: "a state keeps its quotes", in: `state="a";app=x`, want: replay.Instruction{State: `"a"`, App: "x"}},
	{name: "a state with one quote", in: `state=5" wide;app=x`, want: replay.Instruction{State: `5" wide`, App: "x"}},
	{name: "a state without the blanks around it", in: "state=  two words\t", want: replay.Instruction{State: "two words"}},
	{name: "a state outside ASCII", in: "state=größe\xff", want: replay.Instruction{State: "größe\xff"}},
	{name: "a quoted value may hold a semicolon", in: `colour="a;b";region=ord`, want: replay.Instruction{Regions: []region.Code{"ord"}}},

	// Bad values of known fields.
	{name: "nothing", in: "", bad: "at byte 0: is empty"},
	{name: "a blank for a semicolon does not show the state", in: "app=x state=secret", bad: `app at byte 0: holds "="`},
	{name: "only separators", in: " ;; ", bad: "is empty"},
	{name: "no equals sign", in: "ord", bad: "at byte 0: want name=value"},
	{name: "no equals sign in the second", in: "app=x; ord", bad: "at byte 7: want name=value"},
	{name: "no name", in: "=ord", bad: "at byte 0: want name=value"},
	{name: "a name with a blank in it", in: "my region=ord", bad: "want name=value"},
	{name: "a name outside ASCII", in: "région=ord", bad: "want name=value"},
	{name: "a known field without a value", in: "region=;app=x", bad: "region at byte 0: has no value"},
	{name: "a known field with an empty quoted value", in: `app=""`, bad: "app at byte 0: has no value"},
	{name: "a field given twice", in: "region=ord;Region=iad", bad: "region at byte 11: is given twice"},
	{name: "an unknown field given twice", in: "x=1;x=2", bad: "x at byte 4: is given twice"},
	{name: "a quote that is not closed", in: `region="iad,ord;app=x`, bad: "has no closing quote"},
	{name: "text after a closing quote", in: `region="iad"ord`, bad: "has text after its closing quote"},
	{name: "no region", in: "region=o", bad: `region at byte 0: region "o"`},
	{name: "a region missing in the list", in: "region=iad,,ord", bad: `region ""`},
	{name: "a comma too many", in: "region=iad,", bad: `region ""`},
	{name: "no machine's name", in: "instance=a/b", bad: `instance at byte 0: machine ID "a/b"`},
	{name: "a list of machines", in: `prefer_instance="a,b"`, bad: "prefer_instance"},
	{name: "no app's name", in: "app=<script>", bad: `app name "<script>"`},
	{name: "a state with a control character", in: "state=a\x00b", bad: `state at byte 0: cannot hold '\x00'`},
	{name: "a state with a new line", in: "app=x;state=a\nb", bad: `state at byte 6: cannot hold '\n'`},
	{name: "neither true nor false", in: "elsewhere=1", bad: `want true or false, not "1"`},
	{name: "a timeout without a unit", in: "timeout=10", bad: `such as "10s"`, diverges: "a number is seconds in some examples"},
	{name: "no time", in: "timeout=0s", bad: "want a time"},
	{name: "a time before now", in: "timeout=-1s", bad: "want a time"},
	{name: "a timeout that overflows", in: "timeout=99999999h", bad: "want a time"},
	{name: "another fallback", in: "fallback=self", bad: `want force_self or prefer_self, not "self"`},
}

func TestParse(t *testing.T) {
	for _, tt := range parseCases {
		t.Run(tt.name, func(t *testing.T) {
			got, err := replay.Parse(tt.in)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Parse(%q) = %+v, want %+v", tt.in, got, tt.want)
			}
			if (err != nil) != (tt.bad != "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("Parse(%q): error %v, want %q", tt.in, err, tt.bad)
			}
			var syntax *replay.SyntaxError
			if err != nil && (!errors.As(err, &syntax) || errors.Unwrap(err) != syntax.Err || syntax.Err == nil) {
				t.Errorf("the error is a %T, want a *SyntaxError around its cause", err)
			}
		})
	}
}

// A state may be a secret between apps, and errors end up in logs and answers.
func TestErrorsNeverQuoteAState(t *testing.T) {
	for _, in := range []string{
		"state=hunter2\x00", "state=hunter2;state=hunter2", "state=hunter2;region=x", "state=hunter2;rest", "region=ord,iad,state=hunter2\x01",
	} {
		if _, err := replay.Parse(in); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q): error %v, want one without the state", in, err)
		}
		if _, err := replay.ParseSource(in); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseSource(%q): error %v quotes the state", in, err)
		}
	}
}

func TestErrorsStayShort(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for _, in := range []string{
		long, "region=" + long, "app=" + long, "instance=" + long, "elsewhere=" + long, "timeout=" + long, "fallback=" + long,
		`region="` + long, long + "=1;" + long + "=1", "t=" + long,
	} {
		for name, parse := range map[string]func(string) error{
			"Parse":       func(s string) error { _, err := replay.Parse(s); return err },
			"ParseSource": func(s string) error { _, err := replay.ParseSource(s); return err },
		} {
			if err := parse(in); err != nil && len(err.Error()) > 300 {
				t.Errorf("%s(%.20q…): an error of %d bytes", name, in, len(err.Error()))
			}
		}
	}
}

// Strict out: what is written is read back by anybody.
func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   replay.Instruction
		want string
	}{
		{"nothing in particular", replay.Instruction{}, "elsewhere=false"},
		{"one region stands without quotes", replay.Instruction{Regions: []region.Code{"ord"}}, "region=ord"},
		{"several are quoted", replay.Instruction{Regions: []region.Code{"ord", "us", "any"}}, `region="ord,us,any"`},
		{"a state stays raw", replay.Instruction{State: `a=1, "b"`}, `state=a=1, "b"`},
		{"a state may hold a tab", replay.Instruction{State: "a\tb"}, "state=a\tb"},
		{"a timeout below a millisecond is ASCII", replay.Instruction{Timeout: 1500}, "timeout=1.5us"},
		{"everything", replay.Instruction{Regions: []region.Code{"ord"}, Instance: "a", PreferInstance: "b", App: "c", State: "d",
			Elsewhere: true, Timeout: 90 * time.Second, Fallback: replay.PreferSelf},
			"region=ord;instance=a;prefer_instance=b;app=c;state=d;elsewhere=true;timeout=1m30s;fallback=prefer_self"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.in.Format()
			if got != tt.want || err != nil {
				t.Errorf("Format = %q, %v; want %q", got, err, tt.want)
			}
			if back, err := replay.Parse(got); !reflect.DeepEqual(back, tt.in) || err != nil {
				t.Errorf("it is read back as %+v, %v", back, err)
			}
		})
	}
}

func TestFormatRefusesWhatCannotBeReadBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   replay.Instruction
		want string
	}{
		{"a semicolon in a state", replay.Instruction{State: "a;region=ord"}, "state: cannot hold ';'"},
		{"a new line in a state", replay.Instruction{State: "a\r\nSet-Cookie: x"}, `state: cannot hold '\r'`},
		{"a delete character in a state", replay.Instruction{State: "\x7f"}, "state: cannot hold"},
		{"a blank before a state", replay.Instruction{State: " a"}, "state: cannot begin or end with a blank"},
		{"a blank after a state", replay.Instruction{State: "a\t"}, "state: cannot begin or end with a blank"},
		{"a region in capitals", replay.Instruction{Regions: []region.Code{"ord", "ORD"}}, `region "ORD"`},
		{"a region that is none", replay.Instruction{Regions: []region.Code{""}}, `region ""`},
		{"a quote in a region", replay.Instruction{Regions: []region.Code{`a";app=x`}}, "cannot be written"},
		{"a machine's name", replay.Instruction{Instance: "a;b"}, "instance: machine ID"},
		{"a preferred machine's name", replay.Instruction{PreferInstance: machine.ID(strings.Repeat("a", 65))}, "prefer_instance: machine ID"},
		{"an app's name", replay.Instruction{App: "a b"}, "app: "},
		{"a time before now", replay.Instruction{Timeout: -time.Second}, "timeout -1s is negative"},
		{"a fallback that does not exist", replay.Instruction{Fallback: 3}, "unknown fallback Fallback(3)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.in.Format()
			if got != "" || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Format = %q, %v; want an error with %q", got, err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range parseCases {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in, err := replay.Parse(s)
		if err != nil {
			if !reflect.DeepEqual(in, replay.Instruction{}) || len(err.Error()) > 500 {
				t.Fatalf("Parse(%q) = %+v with an error of %d bytes", s, in, len(err.Error()))
			}
			return
		}
		out, err := in.Format()
		if err != nil {
			t.Fatalf("%q was parsed and cannot be written: %v", s, err)
		}
		if again, err := replay.Parse(out); err != nil || !reflect.DeepEqual(again, in) {
			t.Fatalf("%q is %+v, written %q, and then %+v, %v", s, in, out, again, err)
		}
	})
}
