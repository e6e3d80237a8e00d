package edge

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"homing/edge/recall"
	"homing/fleet"
	"homing/machine"
	"homing/wire"
)

// session returns the app's rule for the request's session, and what that is cached
// under; nil if there is no rule, or the request shows not exactly one key. The key
// is read from what the app will see.
func (t *trip) session(name machine.App, host, path string) (*fleet.Session, recall.Session) {
	app, _ := t.fleet.App(name)
	rule := sessionRule(app.Options.Sessions, host, path)
	if rule == nil {
		return nil, recall.Session{}
	}
	key := sessionKey(rule, t.header)
	if key == "" {
		return nil, recall.Session{}
	}
	return rule, recall.Session{Path: rule.Pattern.Path, Sum: sessionSum(rule, key)}
}

// sessionRule returns the rule of the longest path that matches; nil: none does.
func sessionRule(rules []fleet.Session, host, path string) (best *fleet.Session) {
	for i := range rules {
		rule := &rules[i]
		if rule.Pattern.Matches(host, path) && (best == nil || len(rule.Pattern.Path) > len(best.Pattern.Path)) {
			best = rule
		}
	}
	return best
}

// sessionKey returns the value that tells a session from all others; empty if there
// is none, or more than one.
func sessionKey(rule *fleet.Session, header wire.Header) string {
	values := slices.Collect(header.Values(rule.Header))
	if rule.Cookie != "" {
		values = cookies(header, rule.Cookie)
	}
	if len(values) != 1 {
		return ""
	}
	return strings.Trim(values[0], " \t")
}

// cookies returns the values of all cookies of a name. It is less strict than
// net/http: what one app does not take for a cookie another may, and a session must
// not look different to us than to the app.
func cookies(header wire.Header, name string) (values []string) {
	for line := range header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			if found, value, ok := strings.Cut(pair, "="); ok && strings.Trim(found, " \t") == name {
				values = append(values, value)
			}
		}
	}
	return values
}

// sessionSum hashes a session's key with its rule, so that what was cached under a
// rule that has changed is not found.
func sessionSum(rule *fleet.Session, key string) [sha256.Size]byte {
	text := make([]byte, 0, 128)
	text = binary.BigEndian.AppendUint64(text, uint64(rule.TTL))
	bypass := byte(0)
	if rule.AllowBypass {
		bypass = 1
	}
	text = append(text, bypass)
	for _, part := range [...]string{rule.Cookie, rule.Header} {
		text = append(append(text, part...), 0) // a name has no such byte
	}
	return sha256.Sum256(append(text, key...))
}
