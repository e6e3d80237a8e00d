package replay

import (
	"errors"
	"reflect"
	"strings"
)

// Asks reports whether an answer with this header asks for a replay, in either
// form; names are in the canonical form of net/http. If its body is needed to
// know more, see [Read], body is true: up to [MaxJSON] bytes of it and one more, so
// that too long a body is seen to be.
func Asks(header map[string][]string) (asks, body bool) {
	f := gather(header, Header, contentType)
	return f.Asks()
}

// Read returns what an answer asks for, from all that says so: the header
// fly-replay, the headers of the cache, and the body if its content type is that
// of the JSON form. The forms may stand side by side as long as they agree; the
// JSON form may add what the header cannot say. An error is a [*SyntaxError] and
// means that the whole replay is invalid (PA03).
func Read(header map[string][]string, body []byte) (Instruction, error) {
	f := gather(header, Header, CacheHeader, CacheTTLHeader, CacheBypassHeader, contentType, contentEncoding)
	return f.Read(body)
}

// Read is the function [Read] for an answer with these fields.
func (f *Fields) Read(body []byte) (Instruction, error) {
	fromHeader, inHeader, err := f.readHeader()
	if err != nil {
		return Instruction{}, err
	}
	if !f.json {
		if !inHeader {
			return Instruction{}, &SyntaxError{Err: errors.New("asks for no replay")}
		}
		return fromHeader, nil
	}
	in, err := f.readBody(body)
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
func (f *Fields) readHeader() (in Instruction, found bool, err error) {
	value, found, err := f.replay.single()
	if err != nil {
		return Instruction{}, true, &SyntaxError{Field: strings.ToLower(Header), Err: err}
	}
	if found {
		if in, err = Parse(value); err != nil {
			return Instruction{}, true, err
		}
	}
	in.Cache, err = f.cacheOrder()
	return in, found, err
}

// readBody reads the JSON form, given that the header announces it.
func (f *Fields) readBody(body []byte) (Instruction, error) {
	if f.types > 1 {
		return Instruction{}, &SyntaxError{Field: strings.ToLower(contentType), Err: errors.New("is given more than once")}
	}
	if f.coded {
		return Instruction{}, &SyntaxError{Field: strings.ToLower(contentEncoding), Err: errors.New("the JSON form must not be compressed")}
	}
	return ParseJSON(body)
}

// sameTarget compares what both forms can say.
func sameTarget(a, b Instruction) bool {
	a.Transform, a.Cache = Transform{}, CacheOrder{}
	b.Transform, b.Cache = Transform{}, CacheOrder{}
	return reflect.DeepEqual(a, b)
}
