package homing

import (
	"iter"
	"net/textproto"
	"strings"
)

// cookiesWith returns the cookies in a line of the header Cookie whose names begin with
// prefix, by the rules of [net/http.Request.Cookies], which would allocate each cookie
// there is. The prefix must be one that a name can have.
func cookiesWith(prefix, line string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for line != "" {
			var part string
			part, line, _ = strings.Cut(line, ";")
			part = textproto.TrimString(part)
			if !strings.HasPrefix(part, prefix) {
				continue
			}
			name, value, _ := strings.Cut(part, "=")
			if name = textproto.TrimString(name); !isToken(name) {
				continue
			}
			if value, ok := cookieValue(value); ok && !yield(name, value) {
				return
			}
		}
	}
}

// isToken reports whether s is a token (RFC 9110 §5.6.2), as a cookie's name must be.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// cookieValue returns a cookie's value without the quotes around it; false for bytes
// that no value may have (RFC 6265 §4.1.1, and blanks and commas, which browsers send).
func cookieValue(s string) (string, bool) {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == ';' || c == '\\' {
			return "", false
		}
	}
	return s, true
}
