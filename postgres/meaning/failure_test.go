package meaning

import "testing"

func TestOfState(t *testing.T) {
	for state, want := range map[string]Failure{
		"25006": ReadOnly, "25P02": Nothing, "0A000": Unsupported, "40001": Cancelled, "40P01": Cancelled,
		"57P01": Away, "57P02": Away, "57P03": Away, "08P01": Away, "58030": Away, "XX001": Away,
		"57014": Nothing, "23505": Nothing, "42601": Nothing, "XX000": Nothing, "": Nothing,
	} {
		if got := OfState(state); got != want {
			t.Errorf("%q: %d, want %d", state, got, want)
		}
	}
}
