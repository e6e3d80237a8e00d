package region

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A code is this many bytes long. The upper limit keeps codes fit for headers,
// log fields and metric labels.
const (
	minLength = 2
	maxLength = 32
)

// maxQuoted is how many bytes of a bad code an error repeats. Codes come from
// headers that a stranger may have filled, and errors end up in logs.
const maxQuoted = 80

// everywhere is the alias that even places we do not know belong to.
const everywhere Code = "any"

// Code names a region ("ord"), or by an alias a group of regions ("eu"). It is
// lower case when it comes from [Parse]; a Code converted from other text may
// match nothing. The zero value names no region.
type Code string

// Parse reads a code such as "ord", "eu" or "fra-1" and lower-cases it. It
// checks spelling only: 2 to 32 of a-z, 0-9 and '-', starting with a letter.
// Blanks are not trimmed, because each caller's grammar decides where they may
// stand. The error quotes no more than the first 80 bytes of s.
func Parse(s string) (Code, error) {
	if !wellFormed(s) {
		return "", fmt.Errorf("region %s: want %d to %d of a-z, 0-9 and '-', starting with a letter, such as \"ord\"",
			quote(s), minLength, maxLength)
	}
	return Code(strings.ToLower(s)), nil
}

// wellFormed must run before lower-casing, not after: Unicode has characters,
// such as the Kelvin sign, whose lower case is an ASCII letter.
func wellFormed(s string) bool {
	if len(s) < minLength || len(s) > maxLength || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted]) + "..."
	}
	return strconv.Quote(s)
}

// String returns the code as it is written in headers and configuration.
func (c Code) String() string { return string(c) }

// IsAlias reports whether c stands for a group of regions: apac, eu, na, sa,
// us, usa or any. A machine cannot run in an alias.
func (c Code) IsAlias() bool {
	_, group := aliasCountries[c]
	return group || c == everywhere
}

// Includes reports whether whatever other names is part of what c names. A
// code includes itself, an alias its regions and the aliases within it ("na"
// includes "us"), and "any" everything, even codes without a known place.
func (c Code) Includes(other Code) bool {
	if c == other || c == everywhere {
		return true
	}
	members, parts := aliasCountries[c], other.countries()
	for _, country := range parts {
		if !slices.Contains(members, country) {
			return false
		}
	}
	return len(parts) > 0
}

// countries returns the countries c lies in; none if that is not known, which
// is also the answer for "any".
func (c Code) countries() []string {
	if place, ok := c.Place(); ok {
		return []string{place.Country}
	}
	return aliasCountries[c]
}
