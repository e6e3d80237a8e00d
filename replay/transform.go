package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Transform changes a request on its way to the target. Only the JSON form can
// ask for it. The zero value changes nothing.
type Transform struct {
	// Path is the new path and query, in the form of a request line: it begins
	// with "/". Empty: the request's own.
	Path string
	// DeleteHeaders are names of fields the target does not get, in any case.
	DeleteHeaders []string
	// SetHeaders replace the fields of their name, in order, after DeleteHeaders.
	SetHeaders []SetHeader
}

// SetHeader is one field of a request. Its value may be a credential: never log
// or show it.
type SetHeader struct{ Name, Value string }

// IsZero reports whether t changes nothing.
func (t Transform) IsZero() bool {
	return t.Path == "" && len(t.DeleteHeaders) == 0 && len(t.SetHeaders) == 0
}

func (t Transform) hasInvalidUTF8() bool {
	return slices.ContainsFunc(t.SetHeaders, func(h SetHeader) bool { return !utf8.ValidString(h.Value) })
}

// check returns what is wrong with t and the path of the field.
func (t Transform) check() (field string, err error) {
	if t.Path != "" {
		if err := checkTarget(t.Path); err != nil {
			return "transform.path", err
		}
	}
	for i, name := range t.DeleteHeaders {
		if err := checkHeaderName(name); err != nil {
			return fmt.Sprintf("transform.delete_headers[%d]", i), err
		}
	}
	for i, h := range t.SetHeaders {
		if err := checkHeaderName(h.Name); err != nil {
			return fmt.Sprintf("transform.set_headers[%d].name", i), err
		}
		if err := checkHeaderValue(h.Value); err != nil {
			return fmt.Sprintf("transform.set_headers[%d].value", i), err
		}
	}
	return "", nil
}

// checkTarget holds a path to the origin form (RFC 9112 §3.2.1), so that it can
// end neither the request line nor the part of it that it stands for. It is not
// quoted: its query may hold a secret.
func checkTarget(s string) error {
	if !strings.HasPrefix(s, "/") {
		return errors.New(`want a path that begins with "/"`)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '#' {
			return fmt.Errorf("cannot hold %q; write it percent-encoded", s[i])
		}
	}
	return nil
}

// edgeOnly are the fields that frame the message or end at each hop (RFC 9110
// §7.6.1). An app that could set them could smuggle a second request.
var edgeOnly = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "host": true, "http2-settings": true, "keep-alive": true,
	"proxy-authenticate": true, "proxy-authorization": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true,
}

// edgePrefixes begin the names of fields that a machine believes because only an
// edge can set them.
var edgePrefixes = [...]string{"fly-", "homing-", "x-forwarded-"}

func checkHeaderName(s string) error {
	if s == "" {
		return errors.New("has no value")
	}
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return fmt.Errorf("%q is not the name of a header", clip(s))
		}
	}
	// CGI, WSGI and Rack cannot tell fly_region from fly-region.
	name := strings.ReplaceAll(strings.ToLower(s), "_", "-")
	if edgeOnly[name] {
		return fmt.Errorf("%q is the proxy's to set: it frames the message or ends at each hop", s)
	}
	for _, prefix := range edgePrefixes {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("%q is the proxy's to set: machines believe every %s*", clip(s), prefix)
		}
	}
	return nil
}

// isTokenByte is tchar of RFC 9110 §5.6.2.
func isTokenByte(c byte) bool {
	lower := c | 0x20
	return 'a' <= lower && lower <= 'z' || '0' <= c && c <= '9' || c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// checkHeaderValue does not quote the value, only the byte that cannot stand
// (RFC 9110 §5.5).
func checkHeaderValue(s string) error {
	if trim(s) != s {
		return errors.New("cannot begin or end with a blank")
	}
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return fmt.Errorf("cannot hold %q", s[i])
		}
	}
	return nil
}
