package replay_test

import (
	"testing"
	"time"

	"homing/replay"
)

// sameSource compares moments, not their time zones.
func sameSource(a, b replay.Source) bool {
	same := a.At.Equal(b.At)
	a.At, b.At = time.Time{}, time.Time{}
	return same && a == b
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

// Whatever a state holds, it cannot say where the request comes from.
func TestAStateForgesNothing(t *testing.T) {
	for _, state := range []string{"x;region=ams", ";instance=b", "a\r\nFly-Region: ams", " x", "x\x00"} {
		src := replay.Source{Instance: "a", Region: "ord", State: state}
		if got := src.String(); got != "instance=a;region=ord" {
			t.Errorf("with the state %q it is written %q", state, got)
		}
	}
}
