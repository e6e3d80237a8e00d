package homing

import (
	"fmt"
	"slices"
	"strings"
)

// Mode says whether a [Site] decides.
type Mode string

const (
	// On, the default: it decides, where a region is configured.
	On Mode = "on"
	// Observe changes nothing and counts what it would decide, see [Site.Report]. For
	// an app that runs in one region and wonders what more would bring.
	Observe Mode = "observe"
	// Off is the app as if Homing were not there: [Site.Handler] returns the handler
	// that it is given, and homing/postgres opens DATABASE_URL wherever it is.
	Off Mode = "off"
)

var modes = []Mode{On, Observe, Off}

// ParseMode reads one of the three words.
func ParseMode(s string) (Mode, error) {
	if m := Mode(strings.ToLower(s)); slices.Contains(modes, m) {
		return m, nil
	}
	return "", fmt.Errorf("want on, observe or off, not %q", s)
}
