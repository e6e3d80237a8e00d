package region

import (
	"maps"
	"slices"
)

// Place is where a region is. The zero value is a spot in the Gulf of Guinea,
// so use a Place only when the call that returned it said it is known.
type Place struct {
	// City is the city's own spelling in Latin letters, accents included.
	City string
	// Country is the two-letter code of ISO 3166-1, upper case.
	Country string
	// Lat and Lon are degrees, positive to the north and to the east.
	Lat, Lon float64
}

// Place returns where c is. It is false for aliases, for codes of one's own
// and for the zero Code.
func (c Code) Place() (Place, bool) {
	place, ok := places[c]
	return place, ok
}

// City returns the name of c's city, such as "Chicago", for people to read. A
// code without a known place is returned as it is, so there is always
// something to show unless c is empty.
func (c Code) City() string {
	if place, ok := c.Place(); ok {
		return place.City
	}
	return string(c)
}

// Known returns every region with a known place, past ones included, sorted by
// code and without aliases. The slice is the caller's to change.
func Known() []Code {
	return slices.Sorted(maps.Keys(places))
}

// aliasCountries says which countries each alias covers. Filing by country
// puts a region added to places into all its aliases at once. South Africa is
// in none of them: Fly.io has no alias for Africa.
var aliasCountries = map[Code][]string{
	"apac": {"AU", "HK", "IN", "JP", "SG"},
	"eu":   {"DE", "ES", "FR", "GB", "NL", "PL", "RO", "SE"},
	"na":   {"CA", "MX", "US"},
	"sa":   {"AR", "BR", "CL", "CO"},
	"us":   {"US"},
	"usa":  {"US"},
}

// places is never written to after the program has started.
var places = map[Code]Place{
	"ams": {"Amsterdam", "NL", 52.37, 4.90},
	"arn": {"Stockholm", "SE", 59.33, 18.07},
	"atl": {"Atlanta", "US", 33.75, -84.39},
	"bog": {"Bogotá", "CO", 4.71, -74.07},
	"bom": {"Mumbai", "IN", 19.08, 72.88},
	"bos": {"Boston", "US", 42.36, -71.06},
	"cdg": {"Paris", "FR", 48.86, 2.35},
	"den": {"Denver", "US", 39.74, -104.99},
	"dfw": {"Dallas", "US", 32.78, -96.80},
	"ewr": {"Secaucus", "US", 40.79, -74.06},
	"eze": {"Ezeiza", "AR", -34.85, -58.52},
	"fra": {"Frankfurt", "DE", 50.11, 8.68},
	"gdl": {"Guadalajara", "MX", 20.67, -103.35},
	"gig": {"Rio de Janeiro", "BR", -22.91, -43.17},
	"gru": {"São Paulo", "BR", -23.55, -46.63},
	"hkg": {"Hong Kong", "HK", 22.32, 114.17},
	"iad": {"Ashburn", "US", 39.04, -77.49},
	"jnb": {"Johannesburg", "ZA", -26.20, 28.05},
	"lax": {"Los Angeles", "US", 34.05, -118.24},
	"lhr": {"London", "GB", 51.51, -0.13},
	"maa": {"Chennai", "IN", 13.08, 80.27},
	"mad": {"Madrid", "ES", 40.42, -3.70},
	"mia": {"Miami", "US", 25.76, -80.19},
	"mrs": {"Marseille", "FR", 43.30, 5.37},
	"nrt": {"Tokyo", "JP", 35.68, 139.69},
	"ord": {"Chicago", "US", 41.88, -87.63},
	"otp": {"Bucharest", "RO", 44.43, 26.10},
	"phx": {"Phoenix", "US", 33.45, -112.07},
	"qro": {"Querétaro", "MX", 20.59, -100.39},
	"scl": {"Santiago", "CL", -33.45, -70.67},
	"sea": {"Seattle", "US", 47.61, -122.33},
	"sin": {"Singapore", "SG", 1.35, 103.82},
	"sjc": {"San Jose", "US", 37.34, -121.89},
	"syd": {"Sydney", "AU", -33.87, 151.21},
	"vin": {"Vint Hill", "US", 38.74, -77.67},
	"waw": {"Warsaw", "PL", 52.23, 21.01},
	"yul": {"Montréal", "CA", 45.50, -73.57},
	"yyz": {"Toronto", "CA", 43.65, -79.38},
}
