package homing

import (
	"fmt"
	"net/http"
	"testing"

	"homing/replay"
)

func TestEachLineStaysWhatItIs(t *testing.T) {
	var l lines
	h := http.Header{}
	for i := range 2 * len(l.values) { // more than there is room for
		l.write(h, fmt.Sprint("X-", i), fmt.Append(nil, "value ", i, string(make([]byte, 40))))
	}
	for i := range 2 * len(l.values) {
		got := h[fmt.Sprint("X-", i)]
		if want := fmt.Sprint("value ", i, string(make([]byte, 40))); len(got) != 1 || cap(got) != 1 || got[0] != want {
			t.Errorf("X-%d: got %q, want %q", i, got, want)
		}
	}
}

// Lines are put into headers by these names as they are.
func TestNamesOfLinesAreCanonical(t *testing.T) {
	for _, name := range []string{replay.DecisionHeader, replay.RoleHeader, replay.PrimaryHeader, replay.PositionHeader, "Content-Length", "Keep-Alive"} {
		if want := http.CanonicalHeaderKey(name); name != want {
			t.Errorf("%s: want %s", name, want)
		}
	}
}
