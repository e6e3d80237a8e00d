package replay

import (
	"fmt"
	"strings"
)

const (
	contentType     = "Content-Type"
	contentEncoding = "Content-Encoding"
)

// Fields is what the header of an answer says about a replay. It is gathered field by
// field, so that who does not have a header as net/http has it need not make it one.
// The zero value is the header of an answer that asks for nothing. Not safe for
// concurrent use.
type Fields struct {
	replay, cache, ttl, bypass field

	types int  // how many fields say what the content is
	json  bool // one of them, that it is the JSON form
	coded bool // the content is said to be compressed
}

// field is what is known of all fields of a name.
type field struct {
	first string
	count int
}

func (f *field) add(value string) {
	if f.count++; f.count == 1 {
		f.first = value
	}
}

// Add takes a field of the header, in the order of the header. The name is compared
// without regard to ASCII case; most say nothing about a replay, and are ignored.
func (f *Fields) Add(name, value string) {
	switch len(name) {
	case len(Header):
		f.replay.addIf(name, Header, value)
	case len(contentType):
		if sameName(name, contentType) {
			f.types++
			f.json = f.json || IsJSON(value)
		}
	case len(CacheHeader): // and contentEncoding
		f.cache.addIf(name, CacheHeader, value)
		if sameName(name, contentEncoding) {
			f.coded = f.coded || !strings.EqualFold(trim(value), "identity")
		}
	case len(CacheTTLHeader):
		f.ttl.addIf(name, CacheTTLHeader, value)
	case len(CacheBypassHeader):
		f.bypass.addIf(name, CacheBypassHeader, value)
	}
}

// addIf adds the value of a field whose name is want.
func (f *field) addIf(name, want, value string) {
	if sameName(name, want) {
		f.add(value)
	}
}

// sameName reports whether two names of the same length are one field's. The names of
// fields are ASCII: strings.EqualFold would know more letters.
func sameName(a, b string) bool {
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// gather returns what fields of these names say, which are in the canonical form of
// net/http.
func gather(header map[string][]string, names ...string) (f Fields) {
	for _, name := range names {
		for _, value := range header[name] {
			f.Add(name, value)
		}
	}
	return f
}

// Asks is the function [Asks] for an answer with these fields.
func (f *Fields) Asks() (asks, body bool) { return f.json || f.replay.count > 0, f.json }

// single returns the one value of a field.
func (f *field) single() (value string, found bool, err error) {
	if f.count > 1 {
		return "", true, fmt.Errorf("is given %d times", f.count)
	}
	return f.first, f.count == 1, nil
}

// single returns the one value of a header.
func single(values []string) (value string, found bool, err error) {
	var f field
	for _, value := range values {
		f.add(value)
	}
	return f.single()
}
