package wire

import (
	"net/netip"
	"strings"
)

// setHost reads Host (RFC 9112 §3.2).
func (req *Request) setHost() error {
	switch n := req.Header.Count("Host"); {
	case n > 1:
		return refuse(400, "Host stands there more than once")
	case n == 0 && req.Minor == 0:
		return nil
	case n == 0:
		return refuse(400, "Host is missing")
	}
	if req.Host = req.Header.Get("Host"); !validHost(req.Host) {
		return refuse(400, "Host is no host")
	}
	return nil
}

// setTarget reads the target, whose bytes were checked (RFC 9112 §3.2).
func (req *Request) setTarget(target string) error {
	switch {
	case req.Method == "CONNECT":
		return req.setAuthority(target)
	case target == "*":
		if req.Method != "OPTIONS" {
			return refuse(400, "the target * without OPTIONS") // §3.2.4
		}
		req.Target = target
		return nil
	case target[0] != '/':
		return req.setAbsolute(target)
	}
	return req.setPath(target)
}

// setPath takes a target in origin form (§3.2.1).
func (req *Request) setPath(target string) error {
	path, _, _ := strings.Cut(target, "?")
	if !validEscapes(path) {
		return refuse(400, "the path is not well encoded")
	}
	req.Target = target
	return nil
}

// setAuthority takes the target of CONNECT (§3.2.3), for which a port must stand
// there.
func (req *Request) setAuthority(target string) error {
	if !validHost(target) || target[len(target)-1] == ']' || !strings.Contains(target, ":") {
		return refuse(400, "the target of CONNECT is no host and port")
	}
	req.Target = target
	return req.agree(target)
}

// setAbsolute takes a target in absolute form apart (§3.2.2).
func (req *Request) setAbsolute(target string) error {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !sameFold(scheme, "http") && !sameFold(scheme, "https") {
		return refuse(400, "the target is neither a path nor of http or https")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if !validHost(authority) {
		return refuse(400, "the target's host is no host")
	}
	if err := req.agree(authority); err != nil {
		return err
	}
	switch {
	case path == "" && req.Method == "OPTIONS":
		req.Target = "*" // §3.2.4
		return nil
	case path == "":
		path = "/"
	case path[0] == '?':
		path = "/" + path // RFC 9110 §4.2.3
	}
	return req.setPath(path)
}

// agree takes the target's authority for the host, unless Host says otherwise.
func (req *Request) agree(authority string) error {
	if req.Host != "" && !sameFold(req.Host, authority) {
		return refuse(400, "Host is not the target's")
	}
	req.Host = authority
	return nil
}

// validHost reports whether s is a host and perhaps a port (RFC 9110 §7.2), as
// "Deliberate differences" narrows them.
func validHost(s string) bool {
	name, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		ip, err := netip.ParseAddr(s[1:end])
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return false
		}
		name, port = "", s[end+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		name, port = s[:i], s[i:]
		if name == "" {
			return false
		}
	} else if s == "" {
		return false
	}
	return hchar.bad(name) < 0 && (port == "" || validPort(port))
}

// validPort takes the colon too.
func validPort(s string) bool {
	if s[0] != ':' || len(s) > len(":65535") {
		return false
	}
	n, ok := decimal(s[1:])
	return ok && n <= 65535
}

// validEscapes reports whether each % begins an encoded byte (RFC 3986 §2.1).
func validEscapes(path string) bool {
	for {
		i := strings.IndexByte(path, '%')
		if i < 0 {
			return true
		}
		if len(path) < i+3 || !hexdig.has(path[i+1]) || !hexdig.has(path[i+2]) {
			return false
		}
		path = path[i+3:]
	}
}
