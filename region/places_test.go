package region_test

import (
	"slices"
	"testing"

	"homing/region"
)

// continents holds each alias that is a continent and the box of latitudes and
// longitudes it lies in, to catch a missing minus sign or swapped columns.
var continents = map[region.Code]struct{ south, north, west, east float64 }{
	"apac": {-48, 46, 60, 180},
	"eu":   {35, 71, -11, 40},
	"na":   {14, 72, -170, -52},
	"sa":   {-56, 13, -82, -34},
}

func TestKnownIsSortedAndWithoutAliases(t *testing.T) {
	known := region.Known()
	if !slices.IsSorted(known) || len(known) < 35 {
		t.Errorf("not a sorted list of all regions: %v", known)
	}
	if slices.ContainsFunc(known, region.Code.IsAlias) {
		t.Errorf("an alias among %v", known)
	}
}

func TestKnownMayBeChangedByTheCaller(t *testing.T) {
	region.Known()[0] = "xxx"
	if first := region.Known()[0]; first != "ams" {
		t.Errorf("the first region is now %q", first)
	}
}

func TestEveryRegionFlyNamesIsKnown(t *testing.T) {
	for _, c := range []region.Code{
		"ams", "arn", "atl", "bog", "bom", "bos", "cdg", "den", "dfw", "ewr", "eze", "fra", "gdl",
		"gig", "gru", "hkg", "iad", "jnb", "lax", "lhr", "maa", "mad", "mia", "mrs", "nrt", "ord", "otp",
		"phx", "qro", "scl", "sea", "sin", "sjc", "syd", "vin", "waw", "yul", "yyz",
	} {
		if _, ok := c.Place(); !ok {
			t.Errorf("%s has no place", c)
		}
	}
}

func TestEveryKnownRegionIsUsableAndParses(t *testing.T) {
	for _, c := range region.Known() {
		place, ok := c.Place()
		if !ok || place.City == "" || len(place.Country) != 2 {
			t.Errorf("%s: %+v, %v", c, place, ok)
		}
		if parsed, err := region.Parse(c.String()); parsed != c || err != nil {
			t.Errorf("Parse(%q) = %q, %v", c, parsed, err)
		}
	}
}

func TestEveryRegionLiesOnTheOneContinentItIsFiledUnder(t *testing.T) {
	for _, c := range region.Known() {
		var on []region.Code
		for alias, box := range continents {
			place, _ := c.Place()
			inside := place.Lat > box.south && place.Lat < box.north && place.Lon > box.west && place.Lon < box.east
			if alias.Includes(c) {
				on = append(on, alias)
			}
			if alias.Includes(c) != inside {
				t.Errorf("%s at %v, %v: filed under %s is %v", c, place.Lat, place.Lon, alias, !inside)
			}
		}
		if len(on) != 1 && c != "jnb" {
			t.Errorf("%s is on %v, want one continent", c, on)
		}
	}
}

func TestACodeWithoutAPlace(t *testing.T) {
	for _, c := range []region.Code{"", "eu", "any", "fra-1", "ORD"} {
		if place, ok := c.Place(); ok || place != (region.Place{}) {
			t.Errorf("%q is at %+v", c, place)
		}
		if c.City() != string(c) {
			t.Errorf("City of %q is %q, want the code", c, c.City())
		}
	}
}

func TestCityIsTheNamePeopleUse(t *testing.T) {
	for c, want := range map[region.Code]string{"ord": "Chicago", "gru": "São Paulo", "hkg": "Hong Kong"} {
		if got := c.City(); got != want {
			t.Errorf("City of %s is %q, want %q", c, got, want)
		}
	}
}
