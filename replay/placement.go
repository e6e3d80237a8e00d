package replay

import (
	"fmt"
	"slices"
	"strings"

	"homing/machine"
	"homing/region"
)

// maxPlaces is how many regions one request may list: each costs a look at every
// machine, and clients are strangers.
const maxPlaces = 64

// Placement is where a client asks for its request to be served, by request
// headers. The zero value asks for nothing. A replay overrides it; where several
// are set, a machine counts before regions and a force before a preference.
type Placement struct {
	PreferRegions  []region.Code // the first of these with a usable machine, else the nearest
	ForceRegions   []region.Code // these in order, and no others
	PreferInstance machine.ID    // this machine, else any
	ForceInstance  machine.ID    // this machine, healthy or not, and no other
}

// ParsePlacement reads the four headers of a request; names are in the canonical
// form of net/http. Region codes that nobody has heard of are kept, and match no
// machine. A preference that is malformed is dropped, since it is only a wish; a
// force that is malformed is a [*SyntaxError] whose field is the header, for a 400:
// nobody could obey it.
func ParsePlacement(header map[string][]string) (Placement, error) {
	var p Placement
	for _, f := range [...]struct {
		name   string
		forced bool
		parse  func(values []string, forced bool) error
	}{
		{PreferRegionHeader, false, func(v []string, forced bool) (err error) { p.PreferRegions, err = parsePlaces(v, forced); return }},
		{ForceRegionHeader, true, func(v []string, forced bool) (err error) { p.ForceRegions, err = parsePlaces(v, forced); return }},
		{PreferInstanceHeader, false, func(v []string, _ bool) (err error) { p.PreferInstance, err = parseInstance(v); return }},
		{ForceInstanceHeader, true, func(v []string, _ bool) (err error) { p.ForceInstance, err = parseInstance(v); return }},
	} {
		if err := f.parse(header[f.name], f.forced); err != nil && f.forced {
			return Placement{}, &SyntaxError{Field: strings.ToLower(f.name), Err: err}
		}
	}
	return p, nil
}

// IsZero reports whether p asks for nothing.
func (p Placement) IsZero() bool {
	return len(p.PreferRegions) == 0 && len(p.ForceRegions) == 0 && p.PreferInstance == "" && p.ForceInstance == ""
}

// parsePlaces reads lists of regions; several headers are one list (RFC 9110
// §5.3), and quotes are as good as none. If strict, it fails where it would
// otherwise drop an element.
func parsePlaces(values []string, strict bool) ([]region.Code, error) {
	var codes []region.Code
	for _, value := range values {
		value = trim(value)
		if inside, ok := strings.CutPrefix(value, `"`); ok {
			value = strings.TrimSuffix(inside, `"`)
		}
		for part := range strings.SplitSeq(value, ",") {
			part = trim(part)
			if part == "" {
				continue
			}
			c, err := region.Parse(part)
			full := len(codes) >= maxPlaces
			switch {
			case err != nil && strict:
				return nil, err
			case err != nil || slices.Contains(codes, c):
			case full && strict:
				return nil, fmt.Errorf("names more than %d regions", maxPlaces)
			case full:
				return codes, nil
			default:
				codes = append(codes, c)
			}
		}
	}
	return codes, nil
}

// parseInstance reads a header with one machine; an empty one asks for nothing.
func parseInstance(values []string) (machine.ID, error) {
	value, _, err := single(values)
	value = trim(value)
	if err != nil || value == "" {
		return "", err
	}
	return machine.ParseID(value)
}
