package replay_test

import (
	"strings"
	"testing"
	"time"

	"homing/replay"
)

var sourceCases = []struct {
	name string
	in   string
	want replay.Source
	bad  string
}{
	{name: "all fields", in: "instance=3d8d9014;region=ord;t=1790000000123456;state=captured",
		want: replay.Source{Instance: "3d8d9014", Region: "ord", At: time.UnixMicro(1_790_000_000_123_456), State: "captured"}},
	{name: "in any order, with blanks", in: " t=1 ; state=a,b ; region=IAD", want: replay.Source{Region: "iad", At: time.UnixMicro(1), State: "a,b"}},
	{name: "fields of a newer proxy", in: "instance=a;app=b", want: replay.Source{Instance: "a"}},
	{name: "no state", in: "state=", want: replay.Source{}},
	{name: "empty", in: "", bad: "is empty"},
	{name: "no field at all", in: "ord", bad: "want name=value"},
	{name: "a field given twice", in: "state=a;state=b", bad: "state at byte 8: is given twice"},
	{name: "no machine's name", in: "instance=", bad: "instance at byte 0: machine ID"},
	{name: "no region", in: "region=?", bad: "region at byte 0: region"},
	{name: "a time that is no number", in: "t=now", bad: `want microseconds since 1970, not "now"`},
	{name: "a time before 1970", in: "t=-1", bad: "want microseconds since 1970"},
	{name: "a time past 64 bits", in: "t=9223372036854775808", bad: "want microseconds since 1970"},
	{name: "a control character in the state", in: "state=a\x01", bad: "state at byte 0: cannot hold"},
}

// sameSource compares moments, not their time zones.
func sameSource(a, b replay.Source) bool {
	same := a.At.Equal(b.At)
	a.At, b.At = time.Time{}, time.Time{}
	return same && a == b
}

func TestParseSource(t *testing.T) {
	for _, tt := range sourceCases {
		t.Run(tt.name, func(t *testing.T) {
			got, err := replay.ParseSource(tt.in)
			if !sameSource(got, tt.want) {
				t.Errorf("ParseSource(%q) = %+v, want %+v", tt.in, got, tt.want)
			}
			if (err != nil) != (tt.bad != "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("ParseSource(%q): error %v, want %q", tt.in, err, tt.bad)
			}
		})
	}
}

func TestSourceLeavesOutWhatIsNotKnown(t *testing.T) {
	at := time.UnixMicro(1_790_000_000_123_456).UTC()
	for want, src := range map[string]replay.Source{
		"":                     {},
		"region=ord":           {Region: "ord"},
		"t=1790000000123456":   {At: at.Add(999)}, // nanoseconds are dropped
		"instance=a;state=b,c": {Instance: "a", State: "b,c"},
	} {
		if got := src.String(); got != want {
			t.Errorf("%+v is written %q, want %q", src, got, want)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	for _, tt := range sourceCases {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		src, err := replay.ParseSource(s)
		if err != nil || sameSource(src, replay.Source{}) {
			return
		}
		if again, err := replay.ParseSource(src.String()); err != nil || !sameSource(src, again) {
			t.Fatalf("%q is %+v, written %q, and then %+v, %v", s, src, src, again, err)
		}
	})
}
