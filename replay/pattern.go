package replay

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Pattern says which requests a cached replay is for: those below a path, of one
// host or of the host in question. It is written "/some/path/*" or
// "example.com/some/path/*", in headers and in fly.toml alike.
type Pattern struct {
	// Host is lower case and without a port; empty: the request's own.
	Host string
	// Path is a whole path in the form of [CachePath], without the "/*" at the end
	// of the pattern; "/" is every path. The zero value matches nothing.
	Path string
}

// ParsePattern reads a pattern. It always ends in "/*", written or not.
func ParsePattern(s string) (Pattern, error) {
	at := strings.IndexByte(s, '/')
	if at < 0 {
		return Pattern{}, fmt.Errorf(`want a path such as "/some/path/*", not %q`, clip(s))
	}
	host, path := strings.ToLower(s[:at]), strings.TrimSuffix(s[at:], "*")
	// Some characters beyond ASCII have a lower case within: their length tells.
	if host != "" && !isHost(host) || len(host) != at {
		return Pattern{}, fmt.Errorf(`want a host without a port, such as "example.com", not %q`, clip(s[:at]))
	}
	if !strings.HasSuffix(path, "/") && path != s[at:] {
		return Pattern{}, errors.New(`a "*" can only stand for whole segments: "/some/path/*"`)
	}
	if strings.ContainsAny(path, "*?#") {
		return Pattern{}, errors.New(`cannot hold "?", "#", or a "*" before its end`)
	}
	empty := strings.HasSuffix(path, "//")
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	path, ok := CachePath(path)
	if !ok || empty {
		return Pattern{}, fmt.Errorf(`want a path without empty or dot segments and encoded separators, not %q`, clip(s[at:]))
	}
	return Pattern{Host: host, Path: path}, nil
}

// String writes the pattern as [ParsePattern] reads it, with "/*" at its end;
// the zero value is empty.
func (p Pattern) String() string {
	if p.Path == "" {
		return ""
	}
	escaped := (&url.URL{Path: p.Path}).EscapedPath()
	return p.Host + strings.TrimSuffix(escaped, "/") + "/*"
}

// Matches reports whether p is for a request to host, without its port and in
// lower case, with this path in the form of [CachePath]. "/a/*" is for "/a", for
// "/a/" and for what is below it, and never for "/ab".
func (p Pattern) Matches(host, path string) bool {
	if p.Path == "" || path == "" || p.Host != "" && p.Host != host {
		return false
	}
	rest, below := strings.CutPrefix(path, strings.TrimSuffix(p.Path, "/"))
	return below && (rest == "" || rest[0] == '/')
}

// CachePath returns the one form of a request target's path that replays are
// cached under: without its query, percent-encoding undone. It is false for a
// target that machines may understand in several ways: with encoded separators,
// dot segments, empty segments, a backslash or a NUL. Those are never cached.
func CachePath(target string) (path string, ok bool) {
	path, _, _ = strings.Cut(target, "?")
	encoded := path
	path, err := url.PathUnescape(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\\x00") {
		return "", false
	}
	if strings.Count(path, "/") != strings.Count(encoded, "/") {
		return "", false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "", false
		}
	}
	if strings.Contains(path, "//") {
		return "", false
	}
	return path, true
}

// isHost accepts names, IPv4 addresses and IPv6 addresses in brackets.
func isHost(s string) bool {
	allowed := "abcdefghijklmnopqrstuvwxyz0123456789-._"
	if inside, ok := strings.CutPrefix(s, "["); ok {
		s, ok = strings.CutSuffix(inside, "]")
		if !ok {
			return false
		}
		allowed = "abcdef0123456789:."
	}
	return s != "" && len(s) <= 253 && strings.Trim(s, allowed) == ""
}
