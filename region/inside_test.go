package region

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

// At antipodes rounding may carry the haversine past 1, where the arcsine would
// be NaN. No two regions are that far apart, so only a test from inside sees it.
func TestAntipodesAreHalfTheEarthApart(t *testing.T) {
	const half = math.Pi * earthRadius
	for lat := -90.0; lat <= 90; lat += 0.01 {
		km := greatCircle(Place{Lat: lat, Lon: 10}, Place{Lat: -lat, Lon: -170})
		if !(math.Abs(km-half) < 0.001) { // negated, so that NaN fails
			t.Errorf("latitude %v: %v km, want %v", lat, km, half)
		}
	}
}

// No two codes in the table are anagrams today; the order must not rely on it.
func TestFewerEditsBeatEveryOtherSign(t *testing.T) {
	near := guess{code: "zzz", edits: 1}
	far := guess{code: "aaa", edits: 2, reordered: true, sameStart: true}
	if likelier(near, far) >= 0 || likelier(far, near) <= 0 {
		t.Error("two edits are held likelier than one")
	}
}

// A new city with a new accent must be added to accents, or nobody finds it.
func TestFoldLeavesOnlyASCIIInEveryCity(t *testing.T) {
	for code, place := range places {
		for _, name := range []string{fold(place.City), fold(strings.ToUpper(place.City))} {
			if utf8.RuneCountInString(name) != len(name) {
				t.Errorf("%s: %q still has accents", code, name)
			}
		}
	}
}
