package wire

import "strings"

// class is what a byte may be part of.
type class uint8

const (
	tchar  class = 1 << iota // of a token: methods, field names (RFC 9110 §5.6.2)
	vchar                    // of a value: visible, blank, HTAB, or not ASCII (§5.5)
	uchar                    // of a target, see doc.go
	hchar                    // of a host's name
	hexdig                   // of a hexadecimal number
)

var classes = func() (all [256]class) {
	mark := func(cl class, bytes string) {
		for i := range len(bytes) {
			all[bytes[i]] |= cl
		}
	}
	const alnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark(tchar, alnum+"!#$%&'*+-.^_`|~")
	mark(hchar, alnum+"-._~")
	mark(hexdig, "0123456789abcdefABCDEF")
	mark(vchar, "\t")
	for c := ' '; c < 256; c++ {
		if c == 0x7f {
			continue
		}
		all[c] |= vchar
		if c != ' ' && c != '#' {
			all[c] |= uchar
		}
	}
	return all
}()

func (cl class) has(c byte) bool { return classes[c]&cl != 0 }

// bad returns where in s the first byte stands that is not of the class; -1 if
// there is none.
func (cl class) bad(s string) int {
	for i := range len(s) {
		if classes[s[i]]&cl == 0 {
			return i
		}
	}
	return -1
}

// all reports whether s is not empty and of bytes of the class.
func (cl class) all(s string) bool { return s != "" && cl.bad(s) < 0 }

// trim removes the blanks that may stand around a value (OWS, RFC 9110 §5.6.3).
func trim(s string) string {
	if s == "" || !isBlank(s[0]) && !isBlank(s[len(s)-1]) {
		return s
	}
	return strings.Trim(s, " \t")
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// decimal reads digits and nothing else. 18 of them always fit, a nineteenth may.
func decimal(s string) (n int64, ok bool) {
	if s == "" || len(s) > 19 {
		return 0, false
	}
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return n, n >= 0 // 19 digits stay below 2^64, so an overflow shows in the sign
}

// hexadecimal reads up to 16 digits that fit 63 bits.
func hexadecimal(s string) (n int64, ok bool) {
	if len(s) > 16 || !hexdig.all(s) {
		return 0, false
	}
	for i := range len(s) {
		d := lower(s[i]) - '0'
		if d > 9 {
			d -= 'a' - '0' - 10
		}
		n = n<<4 | int64(d)
	}
	return n, n >= 0
}
