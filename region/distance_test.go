package region_test

import (
	"math"
	"testing"
	"time"

	"homing/region"
)

func TestDistanceAgreesWithTheAtlas(t *testing.T) {
	cases := []struct {
		a, b region.Code
		km   float64
	}{
		{"ord", "gru", 8400},
		{"ord", "ams", 6610},
		{"lhr", "syd", 16990},
		{"nrt", "sin", 5320},
		{"ewr", "lhr", 5570},
		{"lhr", "cdg", 344},
		{"syd", "scl", 11340}, // across the date line
	}
	for _, c := range cases {
		got, ok := region.Distance(c.a, c.b)
		if !ok || math.Abs(got-c.km) > c.km/100 {
			t.Errorf("%s to %s: %.0f km, %v; want %.0f within 1 %%", c.a, c.b, got, ok, c.km)
		}
	}
}

// The ranges are round trips that public monitoring commonly shows.
func TestRoundTripIsWithinAFifthOfWhatIsMeasured(t *testing.T) {
	const ms = time.Millisecond
	cases := []struct {
		a, b        region.Code
		least, most time.Duration
	}{
		{"ord", "gru", 125 * ms, 140 * ms},
		{"ord", "ams", 95 * ms, 105 * ms},
		{"lhr", "syd", 250 * ms, 280 * ms},
		{"nrt", "sin", 70 * ms, 70 * ms},
		{"ewr", "lhr", 70 * ms, 75 * ms},
	}
	for _, c := range cases {
		got, ok := region.RoundTrip(c.a, c.b)
		middle := (c.least + c.most) / 2
		if off := (got - middle).Abs(); !ok || off > middle/5 {
			t.Errorf("%s to %s: %v, %v; want %v within a fifth", c.a, c.b, got, ok, middle)
		}
	}
}

func TestRoundTripIsSymmetricAndNeverZeroBetweenTwoRegions(t *testing.T) {
	known := region.Known()
	for i, a := range known {
		for _, b := range known[i+1:] {
			there, ok := region.RoundTrip(a, b)
			back, _ := region.RoundTrip(b, a)
			if !ok || there != back || there <= 0 || there > 300*time.Millisecond {
				t.Errorf("%s and %s: %v there, %v back, %v", a, b, there, back, ok)
			}
			if there%(100*time.Microsecond) != 0 {
				t.Errorf("%s to %s: %v is not a multiple of 0.1 ms", a, b, there)
			}
		}
	}
}

func TestARegionIsNoDistanceFromItselfEvenIfItsPlaceIsUnknown(t *testing.T) {
	for _, c := range []region.Code{"ord", "fra-1", "eu", ""} {
		if rtt, ok := region.RoundTrip(c, c); rtt != 0 || !ok {
			t.Errorf("round trip of %q to itself: %v, %v", c, rtt, ok)
		}
		if km, ok := region.Distance(c, c); km != 0 || !ok {
			t.Errorf("distance of %q to itself: %v, %v", c, km, ok)
		}
	}
}

func TestDistanceToAnUnknownPlaceIsUnknown(t *testing.T) {
	for _, pair := range [][2]region.Code{{"ord", "fra-1"}, {"fra-1", "ord"}, {"fra-1", "fra-2"}, {"ord", "us"}, {"", "ord"}} {
		if rtt, ok := region.RoundTrip(pair[0], pair[1]); rtt != 0 || ok {
			t.Errorf("round trip %q: %v, %v", pair, rtt, ok)
		}
		if km, ok := region.Distance(pair[0], pair[1]); km != 0 || ok {
			t.Errorf("distance %q: %v, %v", pair, km, ok)
		}
	}
}
