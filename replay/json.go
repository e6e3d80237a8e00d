package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ContentType is that of the JSON form.
const ContentType = "application/vnd.fly.replay+json"

// MaxJSON is how many bytes the JSON form may have.
const MaxJSON = 64 << 10

// IsJSON reports whether a Content-Type is that of the JSON form, whatever its
// case and its parameters.
func IsJSON(contentType string) bool {
	name, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(trim(name), ContentType)
}

// ParseJSON reads the JSON form of an instruction. The error is a [*SyntaxError]
// whose field is a path such as "transform.set_headers[2].name", and whose offset
// is that of the value, or of a name given twice.
func ParseJSON(body []byte) (Instruction, error) {
	if err := checkJSON(body); err != nil {
		return Instruction{}, err
	}
	var in Instruction
	r := newJSONReader(body)
	fields := map[string]jsonField{
		"transform": func(path string) error { return r.transform(path, &in.Transform) },
		"cache":     func(path string) error { return r.cache(path, &in.Cache) },
	}
	for _, name := range fieldNames {
		fields[name] = parsed(r.reader(name), func(value string) error {
			value = trim(value)
			if value == "" && name != "state" {
				return errors.New("has no value")
			}
			return in.set(name, value)
		})
	}
	if err := r.object("", fields); err != nil {
		return Instruction{}, err
	}
	return in, nil
}

// jsonRead reads one value of some type as text, nil for null.
type jsonRead func(path string) (value *string, at int, err error)

// reader returns what reads a field that the header form has too.
func (r *jsonReader) reader(name string) jsonRead {
	switch name {
	case "elsewhere":
		return r.flag
	case "region":
		return r.list
	}
	return r.text
}

// parsed reads a value, unless it is null, and says where it stood if it is bad.
func parsed(read jsonRead, parse func(string) error) jsonField {
	return func(path string) error {
		text, at, err := read(path)
		if err != nil || text == nil {
			return err
		}
		if err := parse(*text); err != nil {
			return &SyntaxError{path, at, err}
		}
		return nil
	}
}

func (r *jsonReader) transform(path string, t *Transform) error {
	return r.object(path, map[string]jsonField{
		"path": parsed(r.text, func(v string) error { t.Path = v; return checkTarget(v) }),
		"delete_headers": func(path string) error {
			return r.array(path, func(path string) error {
				name, at := "", r.offset()
				err := parsed(r.text, func(v string) error { name = v; return checkHeaderName(v) })(path)
				if err == nil && name == "" {
					err = &SyntaxError{path, at, errors.New("has no name")}
				}
				t.DeleteHeaders = append(t.DeleteHeaders, name)
				return err
			})
		},
		"set_headers": func(path string) error {
			return r.array(path, func(path string) error {
				h, err := r.setHeader(path)
				t.SetHeaders = append(t.SetHeaders, h)
				return err
			})
		},
	})
}

func (r *jsonReader) setHeader(path string) (h SetHeader, err error) {
	at := r.offset()
	err = r.object(path, map[string]jsonField{
		"name":  parsed(r.text, func(v string) error { h.Name = v; return checkHeaderName(v) }),
		"value": parsed(r.text, func(v string) error { h.Value = trim(v); return checkHeaderValue(h.Value) }),
	})
	if err == nil && h.Name == "" {
		err = &SyntaxError{path, at, errors.New("has no name")}
	}
	return h, err
}

func (r *jsonReader) cache(path string, o *CacheOrder) error {
	return r.object(path, map[string]jsonField{
		"prefix":       parsed(r.text, func(v string) (err error) { o.Pattern, err = ParsePattern(trim(v)); return }),
		"ttl":          parsed(r.number, func(v string) (err error) { o.TTL, err = parseTTL(v); return }),
		"invalidate":   parsed(r.flag, func(v string) (err error) { o.Invalidate, err = parseYes(v); return }),
		"allow_bypass": parsed(r.flag, func(v string) (err error) { o.AllowBypass, err = parseYes(v); return }),
	})
}

// checkJSON makes sure that body is one object, so that who reads it later meets
// no surprise. Its errors quote nothing: the trouble may be inside a state.
func checkJSON(body []byte) error {
	if len(body) > MaxJSON {
		return &SyntaxError{Offset: MaxJSON, Err: fmt.Errorf("is longer than %d KiB", MaxJSON>>10)}
	}
	// encoding/json would put U+FFFD in its place, and hand on another state.
	if valid := bytes.ToValidUTF8(body, nil); !utf8.Valid(body) {
		at := 0
		for at < len(valid) && body[at] == valid[at] {
			at++
		}
		return &SyntaxError{Offset: at, Err: errors.New("is not UTF-8 here")}
	}
	var value json.RawMessage
	var syntax *json.SyntaxError
	dec := json.NewDecoder(bytes.NewReader(body))
	err := dec.Decode(&value)
	start := len(body) - len(bytes.TrimLeft(body, jsonBlanks))
	switch {
	case err == io.EOF:
		return &SyntaxError{Err: errors.New("is empty; want an object")}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &SyntaxError{Offset: len(body), Err: errors.New("ends in the middle of the JSON")}
	case errors.As(err, &syntax):
		return &SyntaxError{Offset: int(max(1, syntax.Offset) - 1), Err: errors.New("is not JSON here")}
	case err != nil:
		return &SyntaxError{Err: errors.New("is not JSON")}
	case body[start] != '{':
		return &SyntaxError{Offset: start, Err: errors.New("want an object")}
	}
	end := int(dec.InputOffset())
	if rest := bytes.TrimLeft(body[end:], jsonBlanks); len(rest) > 0 {
		return &SyntaxError{Offset: len(body) - len(rest), Err: errors.New("has more after its object")}
	}
	return nil
}
