package position_test

import (
	"testing"

	"homing/position"
)

func TestCompareEpochs(t *testing.T) {
	for _, tt := range []struct {
		a, b  position.Epoch
		order int
		ok    bool
	}{
		{"h:1", "h:2", -1, true},
		{"h:10", "h:9", 1, true},
		{"h:1", "h:1", 0, true},
		{"", "", 0, true},
		{"abcd", "abcd", 0, true},
		{"abcd", "abce", 0, false},
		{"h:1", "i:2", 0, false},
		{"h:1", "h:x", 0, false},
		{"h:1", "", 0, false},
		{"h:1", "h:-1", 0, false},
	} {
		if order, ok := tt.a.Compare(tt.b); order != tt.order || ok != tt.ok {
			t.Errorf("%q and %q: %d, %v", tt.a, tt.b, order, ok)
		}
	}
}
