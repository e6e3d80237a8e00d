// Package region names the places machines run in and estimates how far apart
// in time they are.
//
// A [Code] is either one place ("ord") or an alias for a group of them ("eu").
// Only the spelling of a code is checked, by [Parse]: anyone may run servers
// under a code of their own, such as "fra-1". Such a code matches itself and
// "any", but has no [Place], so nothing is known about its distance to others.
//
//	origin, err := region.Parse("ORD")            // "ord"
//	region.Code("na").Includes(origin)            // true
//	rtt, ok := region.RoundTrip(origin, "gru")    // about 120 ms, true
//
// # Where the numbers come from
//
// The codes are those Fly.io lists at https://fly.io/docs/reference/regions/,
// and the ones earlier versions of that page listed (such as "fra", "mrs" and
// "vin"), because configuration outlives a region. Coordinates are those of
// the city, to about a kilometre. Round-trip times are computed from them, for
// choosing a machine before anything was measured and for simulations; a
// measured time is always better. [RoundTrip] says how good they are.
//
// Everything here is a pure function over tables that never change, and safe
// to call from any number of goroutines.
package region
