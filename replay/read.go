package replay

import (
	"errors"
	"reflect"
	"strings"
)

const (
	contentType     = "Content-Type"
	contentEncoding = "Content-Encoding"
)

// Asks reports whether an answer with this header asks for a replay, in either
// form; names are in the canonical form of net/http. If its body is needed to
// know more, see [Read], body is true: up to [MaxJSON] bytes of it and one more, so
// that too long a body is seen to be.
func Asks(header map[string][]string) (asks, body bool) {
	for _, value := range header[contentType] {
		body = body || IsJSON(value)
	}
	return body || len(header[Header]) > 0, body
}

// Read returns what an answer asks for, from all that says so: the header
// fly-replay, the headers of the cache, and the body if its content type is that
// of the JSON form. The forms may stand side by side as long as they agree; the
// JSON form may add what the header cannot say. An error is a [*SyntaxError] and
// means that the whole replay is invalid (PA03).
func Read(header map[string][]string, body []byte) (Instruction, error) {
	fromHeader, inHeader, err := readHeader(header)
	if err != nil {
		return Instruction{}, err
	}
	if _, inBody := Asks(header); !inBody {
		if !inHeader {
			return Instruction{}, &SyntaxError{Err: errors.New("asks for no replay")}
		}
		return fromHeader, nil
	}
	in, err := readBody(header, body)
	if err != nil {
		return Instruction{}, err
	}
	switch order := fromHeader.Cache; {
	case in.Cache.IsZero():
		in.Cache = order
	case !order.IsZero() && order != in.Cache:
		return Instruction{}, &SyntaxError{Field: "cache", Err: errors.New("the headers and the JSON form disagree")}
	}
	if inHeader && !sameTarget(in, fromHeader) {
		return Instruction{}, &SyntaxError{Err: errors.New("the fly-replay header and the JSON form disagree")}
	}
	return in, nil
}

// readHeader reads what the headers say; found is whether fly-replay is there.
func readHeader(header map[string][]string) (in Instruction, found bool, err error) {
	value, found, err := single(header[Header])
	if err != nil {
		return Instruction{}, true, &SyntaxError{Field: strings.ToLower(Header), Err: err}
	}
	if found {
		if in, err = Parse(value); err != nil {
			return Instruction{}, true, err
		}
	}
	in.Cache, err = ParseCache(header)
	return in, found, err
}

// readBody reads the JSON form, given that the header announces it.
func readBody(header map[string][]string, body []byte) (Instruction, error) {
	if len(header[contentType]) > 1 {
		return Instruction{}, &SyntaxError{Field: strings.ToLower(contentType), Err: errors.New("is given more than once")}
	}
	for _, coding := range header[contentEncoding] {
		if !strings.EqualFold(strings.Trim(coding, blanks), "identity") {
			return Instruction{}, &SyntaxError{Field: strings.ToLower(contentEncoding), Err: errors.New("the JSON form must not be compressed")}
		}
	}
	return ParseJSON(body)
}

// sameTarget compares what both forms can say.
func sameTarget(a, b Instruction) bool {
	a.Transform, a.Cache = Transform{}, CacheOrder{}
	b.Transform, b.Cache = Transform{}, CacheOrder{}
	return reflect.DeepEqual(a, b)
}
