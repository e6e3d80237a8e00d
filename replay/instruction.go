package replay

import (
	"fmt"
	"time"

	"homing/machine"
	"homing/region"
)

// Instruction says where a request should be delivered instead. The zero value
// names no place: any machine of the app will do.
type Instruction struct {
	// Regions are places and aliases in order of preference.
	Regions []region.Code
	// Instance is this machine and no other.
	Instance machine.ID
	// PreferInstance is this machine if it can take the request, else any that
	// matches the other fields.
	PreferInstance machine.ID
	// App is another app; empty: the same one.
	App machine.App
	// State is opaque text handed on in [Source]. It may be a secret between
	// apps: never log, show or count it.
	State string
	// Elsewhere excludes the machine that asked.
	Elsewhere bool
	// Timeout bounds reaching the target, not its answer; 0: the edge's default.
	Timeout time.Duration
	// Fallback is what to do when the target cannot be reached.
	Fallback Fallback
	// Transform changes the request on its way; JSON form only.
	Transform Transform
	// Cache is what the replay cache should do; in headers of their own beside the
	// header form, see [CacheOrder.SetHeaders].
	Cache CacheOrder
}

// Fallback is what becomes of a replay whose target cannot be reached.
type Fallback uint8

const (
	// NoFallback, the zero value: the client gets an error.
	NoFallback Fallback = iota
	// ForceSelf returns to the machine that asked, or fails.
	ForceSelf
	// PreferSelf tries the machine that asked, then any of its app.
	PreferSelf
)

var fallbackNames = [...]string{NoFallback: "", ForceSelf: "force_self", PreferSelf: "prefer_self"}

// String returns the word of the wire, empty for NoFallback.
func (f Fallback) String() string {
	if int(f) >= len(fallbackNames) {
		return fmt.Sprintf("Fallback(%d)", uint8(f))
	}
	return fallbackNames[f]
}

func parseFallback(s string) (Fallback, error) {
	for f, name := range fallbackNames {
		if name == s && s != "" {
			return Fallback(f), nil
		}
	}
	return 0, fmt.Errorf("want force_self or prefer_self, not %q", clip(s))
}

// clip keeps what an error quotes short: the text comes from a stranger.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
