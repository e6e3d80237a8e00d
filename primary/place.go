package primary

import (
	"fmt"
	"net/url"

	"homing/position"
	"homing/region"
)

// Place is where the primary is. The zero value says that nothing is known: no
// machine has ever claimed to be a primary.
type Place struct {
	Region region.Code // empty: there is none now
	// Epoch is the newest that was ever claimed.
	Epoch position.Epoch
	// Unheard says that no primary was found, and some machine has not told yet what
	// it is: that may be the primary.
	Unheard bool
}

// none stands for the region where there is no primary.
const none = "none"

// Known reports whether it is known where the primary is, or that there is none.
func (p Place) Known() bool { return p.Region != "" || p.Epoch != "" && !p.Unheard }

// Missing reports whether there is no primary now, although machines speak of one.
func (p Place) Missing() bool { return p.Known() && p.Region == "" }

// String writes the value of Homing-Primary; empty if that is not known.
func (p Place) String() string {
	if !p.Known() {
		return ""
	}
	word := string(p.Region)
	if word == "" {
		word = none
	}
	if p.Epoch == "" {
		return word
	}
	return word + ";epoch=" + url.QueryEscape(string(p.Epoch))
}

// ParsePlace reads what [Place.String] wrote; an empty header is the zero value.
func ParsePlace(header string) (Place, error) {
	if header == "" {
		return Place{}, nil
	}
	word, fields, err := split(header)
	if err != nil {
		return Place{}, err
	}
	var p Place
	if p.Epoch, err = epoch(fields); err != nil {
		return Place{}, err
	}
	if word == none {
		return p, nil
	}
	p.Region, err = region.Parse(word)
	if err == nil && p.Region.IsAlias() {
		err = fmt.Errorf("%q is a group of regions", p.Region)
	}
	if err != nil {
		return Place{}, fmt.Errorf("primary: %w", err)
	}
	return p, nil
}

// Deposes reports whether a primary of epoch e has been replaced, as far as p
// tells: a newer epoch has been claimed.
func (p Place) Deposes(e position.Epoch) bool {
	order, ok := e.Compare(p.Epoch)
	return ok && order < 0
}
