package homing

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"homing/position"
)

// Consistency is what a client is promised about the order in which it sees things.
type Consistency string

const (
	// OwnWrites, the default: nobody is shown a page older than their own write.
	OwnWrites Consistency = "own-writes"
	// Session: as OwnWrites, and no page older than one that was seen before. Each
	// answer that shows something new carries a token then, so that no shared cache
	// keeps it, and on the primary its position is read.
	Session Consistency = "session"
	// Window: after a write the client's reads go home for the time of
	// [Config.Window], and no position is read. For databases that tell none; it is
	// chosen by itself there.
	Window Consistency = "window"
)

var consistencies = []Consistency{OwnWrites, Session, Window}

// ParseConsistency reads one of the three words.
func ParseConsistency(s string) (Consistency, error) {
	if c := Consistency(strings.ToLower(s)); slices.Contains(consistencies, c) {
		return c, nil
	}
	return "", fmt.Errorf("want own-writes, session or window, not %q", s)
}

// attachSeen puts a token for what this read has seen on its answer, unless the
// client has one already.
func (v *visit) attachSeen(h http.Header) {
	t, known := v.site.now(v.r.Context())
	if known && !v.carried.has(t.Token) {
		v.attachWrite(h, t)
	}
}

// has reports whether the client carries this very position.
func (c *carried) has(t position.Token) bool {
	return slices.ContainsFunc(c.tokens, func(old carriedToken) bool { return old.Token == t })
}
