package machine

import (
	"fmt"
	"strings"
)

// ID names one machine, as in FLY_MACHINE_ID. It is opaque, unique within an
// app, and safe in a header: letters, digits, "-", "_" and ".".
type ID string

// App names the set of machines that serve one thing, as in FLY_APP_NAME.
type App string

// ParseID checks that s can be a machine's ID: 1 to 64 letters, digits, "-",
// "_" or ".".
func ParseID(s string) (ID, error) {
	if !isName(s) {
		return "", fmt.Errorf("machine ID %q: want 1 to 64 letters, digits, '-', '_' or '.'", clip(s))
	}
	return ID(s), nil
}

// ParseApp checks that s can be an app's name; the rules are those of [ParseID].
func ParseApp(s string) (App, error) {
	if !isName(s) {
		return "", fmt.Errorf("app name %q: want 1 to 64 letters, digits, '-', '_' or '.'", clip(s))
	}
	return App(s), nil
}

func isName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && !('0' <= c && c <= '9') && !strings.ContainsRune("-_.", rune(c)) {
			return false
		}
	}
	return true
}

// clip keeps what an error quotes short: the text may come from a stranger.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// Role is what a machine's local database is.
type Role uint8

const (
	// None is the zero value: no database that can be read, or not known yet.
	None Role = iota
	// Replica can be read and refuses writes.
	Replica
	// Primary can be read and written.
	Primary
)

// String returns "none", "replica" or "primary", the words of the wire.
func (r Role) String() string {
	switch r {
	case Replica:
		return "replica"
	case Primary:
		return "primary"
	default:
		return "none"
	}
}

// ParseRole reads what [Role.String] wrote; any other text is None.
func ParseRole(s string) Role {
	switch s {
	case "primary":
		return Primary
	case "replica":
		return Replica
	default:
		return None
	}
}
