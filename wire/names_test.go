package wire_test

import (
	"strings"
	"testing"

	"homing/wire"
)

func TestNames(t *testing.T) {
	set := wire.NewNames("Te", "Fly-Region", "Fly-Replay", "X-Forwarded-For")
	for name, want := range map[string]bool{
		"Te": true, "tE": true, "fly-region": true, "FLY-REPLAY": true, "X-Forwarded-For": true,
		"": false, "T": false, "Fe": false, "Fly_Region": false, "Fly-Regios": false, "4e": false, "\x14e": false,
		strings.Repeat("T", 1000): false,
	} {
		if got := set.Has(name); got != want {
			t.Errorf("%.40q: %v", name, got)
		}
	}
	if new(wire.Names).Has("Te") {
		t.Error("the zero value is not empty")
	}
}
