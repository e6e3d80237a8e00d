package wire

import (
	"iter"
	"slices"
	"strings"
)

// Field is one line of a header. The name is as it came: compare with [Header]'s
// methods.
type Field struct{ Name, Value string }

// Header is the fields of a message in their order. Names are compared without
// regard to ASCII case. The zero value is empty and can be added to.
type Header []Field

// Get returns the first value of that name, "" without one.
func (h Header) Get(name string) string {
	for i := range h {
		if sameFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Has reports whether there is a field of that name.
func (h Header) Has(name string) bool {
	return slices.ContainsFunc(h, func(f Field) bool { return sameFold(f.Name, name) })
}

// Count returns how many fields have that name.
func (h Header) Count(name string) int {
	n := 0
	for i := range h {
		if sameFold(h[i].Name, name) {
			n++
		}
	}
	return n
}

// Values returns the values of that name in their order.
func (h Header) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range h {
			if sameFold(h[i].Name, name) && !yield(h[i].Value) {
				return
			}
		}
	}
}

// Tokens returns the members of the comma-separated lists in all fields of that
// name, without the blanks around them and without empty ones (RFC 9110 §5.6.1).
// It does not know quoted strings: use it where members are tokens.
func (h Header) Tokens(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for list := range h.Values(name) {
			for member := range members(list) {
				if !yield(member) {
					return
				}
			}
		}
	}
}

func members(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for list != "" {
			var member string
			member, list, _ = strings.Cut(list, ",")
			if member = trim(member); member != "" && !yield(member) {
				return
			}
		}
	}
}

// HasToken reports whether one of the [Header.Tokens] of that name is token,
// without regard to case.
func (h Header) HasToken(name, token string) bool {
	for member := range h.Tokens(name) {
		if sameFold(member, token) {
			return true
		}
	}
	return false
}

// Add appends a field. What may be in it is checked when it is written.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set makes value the only one of that name, in the place of the first.
func (h *Header) Set(name, value string) {
	i := slices.IndexFunc(*h, func(f Field) bool { return sameFold(f.Name, name) })
	if i < 0 {
		h.Add(name, value)
		return
	}
	(*h)[i] = Field{name, value}
	rest := (*h)[i+1:]
	kept := slices.DeleteFunc(rest, func(f Field) bool { return sameFold(f.Name, name) })
	*h = (*h)[:i+1+len(kept)]
}

// Del removes the fields of that name.
func (h *Header) Del(name string) {
	h.DelFunc(func(f Field) bool { return sameFold(f.Name, name) })
}

// DelFunc removes the fields for which del is true.
func (h *Header) DelFunc(del func(Field) bool) { *h = slices.DeleteFunc(*h, del) }

// Clone returns a copy that shares nothing that changes.
func (h Header) Clone() Header { return slices.Clone(h) }

// SameName reports whether two names are one field's.
func SameName(a, b string) bool { return sameFold(a, b) }

// sameFold reports whether two strings are equal but for the case of ASCII
// letters. strings.EqualFold would take a Kelvin sign for a "k".
func sameFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
