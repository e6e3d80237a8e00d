package forward

import (
	"net/http"
	"strings"
)

// Upgrade returns the protocols that a request on net/http's server asks to switch
// to (RFC 9110 §7.8), or nothing where it asks for none that can be passed on.
func Upgrade(r *http.Request) string {
	if !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1 || r.ContentLength != 0 || !namesUpgrade(r.Header["Connection"]) {
		return ""
	}
	return Harmless(strings.Join(r.Header["Upgrade"], ", "))
}

// Harmless returns a list of protocols, or nothing if one of them speaks HTTP or
// TLS again: what a client says in it would reach the machine past all that is
// checked and removed on the way.
func Harmless(list string) string {
	for name := range strings.SplitSeq(list, ",") {
		name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
		if name == "" || name == "h2c" || name == "http" || name == "tls" {
			return ""
		}
	}
	return list
}

// namesUpgrade reports whether a Connection header has the word.
func namesUpgrade(connection []string) bool {
	for _, line := range connection {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), "upgrade") {
				return true
			}
		}
	}
	return false
}
