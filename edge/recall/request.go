package recall

import (
	"crypto/sha256"
	"strings"

	"homing/machine"
)

// Request is what replays are kept under and found by.
type Request struct {
	App machine.App // that the request is for
	// Port of the edge that it came in on: another one may belong to another part of
	// the app.
	Port uint16
	Host string // in lower case, without a port
	// Path is in the form of CachePath of package replay. Empty: it has none, and
	// nothing is found or kept.
	Path    string
	Session Session // zero: it belongs to none
}

// Session is one session, as far as a rule of the app is concerned.
type Session struct {
	Path string // that the rule is for, one of the paths above the request's or its own
	// Sum is a hash of the rule and the session's key: who sees the memory of the
	// edge must not find keys in it. Never zero in a session.
	Sum [sha256.Size]byte
}

// key is what one replay is kept under. The sum is zero in those that are kept by
// path alone.
type key struct {
	app        machine.App
	port       uint16
	host, path string
	sum        [sha256.Size]byte
}

func (r *Request) pathKey(path string) key {
	return key{app: r.App, port: r.Port, host: r.Host, path: path}
}

// sessionKey reports false for a request of no session.
func (r *Request) sessionKey() (key, bool) {
	k := r.pathKey(r.Session.Path)
	k.sum = r.Session.Sum
	return k, r.Path != "" && r.Session != Session{}
}

// Each request is looked for under its own path and all those above it, so there is
// an end to how many and how long they may be: paths come from strangers.
const (
	maxSegments = 32
	maxPath     = 1 << 10
)

// short reports whether a pattern's path is one of those that are looked for.
func short(path string) bool {
	return len(path) <= maxPath && strings.Count(path, "/") <= maxSegments
}

// deepest returns the longest path of a pattern that may be kept for a request to
// path; empty if path is.
func deepest(path string) string {
	at := 0
	for range maxSegments {
		next := strings.IndexByte(path[min(at+1, len(path)):], '/')
		if next < 0 {
			at = len(path)
			break
		}
		at += 1 + next
	}
	if path = path[:at]; path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	for len(path) > maxPath {
		path = above(path)
	}
	return path
}

// above returns the path without its last segment; nothing is above "/".
func above(path string) string {
	if path == "/" {
		return ""
	}
	if at := strings.LastIndexByte(path, '/'); at > 0 {
		return path[:at]
	}
	return "/"
}
