package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// jsonBlanks may stand between the tokens of JSON (RFC 8259 §2).
const jsonBlanks = " \t\r\n"

// jsonField reads the value of a field at a path such as "cache.ttl".
type jsonField func(path string) error

// jsonReader walks JSON that is known to be well formed. encoding/json alone keeps
// the last of two equal names, and loses where a value stood.
type jsonReader struct {
	body   []byte
	dec    *json.Decoder
	broken bool
}

func newJSONReader(body []byte) *jsonReader {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return &jsonReader{body: body, dec: dec}
}

// offset returns where the next token begins.
func (r *jsonReader) offset() int {
	at := int(r.dec.InputOffset())
	return len(r.body) - len(bytes.TrimLeft(r.body[at:], jsonBlanks+",:"))
}

// next returns the next token, nil for null. It cannot fail, see checkJSON; should
// it all the same, no loop must wait for the end of what never ends.
func (r *jsonReader) next() (tok json.Token, at int) {
	at = r.offset()
	tok, err := r.dec.Token()
	r.broken = err != nil
	return tok, at
}

func (r *jsonReader) more() bool { return !r.broken && r.dec.More() }

// object reads an object by its fields. Names that are not known are ignored, as
// is null in place of any value: libraries write it for what is not set.
func (r *jsonReader) object(path string, fields map[string]jsonField) error {
	open, at := r.next()
	if open == nil {
		return nil
	}
	if open != json.Delim('{') {
		return &SyntaxError{path, at, errors.New("want an object")}
	}
	seen := make(map[string]bool, 4)
	for r.more() {
		tok, at := r.next()
		name, _ := tok.(string)
		inner := strings.TrimPrefix(path+"."+name, ".")
		if seen[name] {
			return &SyntaxError{inner, at, errors.New("is given twice")}
		}
		seen[name] = true
		read, known := fields[name]
		if !known {
			read = r.skip
		}
		if err := read(inner); err != nil {
			return err
		}
	}
	r.next()
	return nil
}

// array reads a list by its elements, which are named path[0], path[1], ...
func (r *jsonReader) array(path string, element jsonField) error {
	open, at := r.next()
	if open == nil {
		return nil
	}
	if open != json.Delim('[') {
		return &SyntaxError{path, at, errors.New("want a list")}
	}
	for i := 0; r.more(); i++ {
		if err := element(fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	r.next()
	return nil
}

// text reads a string; nil for null.
func (r *jsonReader) text(path string) (value *string, at int, err error) {
	tok, at := r.next()
	switch tok := tok.(type) {
	case nil:
		return nil, at, nil
	case string:
		return &tok, at, nil
	}
	return nil, at, &SyntaxError{path, at, errors.New("want text in quotes")}
}

// flag reads true, false, or one of them in quotes, as text.
func (r *jsonReader) flag(path string) (value *string, at int, err error) {
	tok, at := r.next()
	switch tok := tok.(type) {
	case nil:
		return nil, at, nil
	case bool:
		text := fmt.Sprint(tok)
		return &text, at, nil
	case string:
		return &tok, at, nil
	}
	return nil, at, &SyntaxError{path, at, errors.New("want true or false")}
}

// number reads a number as it is written.
func (r *jsonReader) number(path string) (value *string, at int, err error) {
	tok, at := r.next()
	switch tok := tok.(type) {
	case nil:
		return nil, at, nil
	case json.Number:
		text := tok.String()
		return &text, at, nil
	}
	return nil, at, &SyntaxError{path, at, errors.New("want a number")}
}

// list reads a string, or a list of strings as if it were one with commas.
func (r *jsonReader) list(path string) (value *string, at int, err error) {
	at = r.offset()
	if r.body[at] != '[' {
		return r.text(path)
	}
	var parts []string
	err = r.array(path, func(path string) error {
		part, at, err := r.text(path)
		if err == nil && (part == nil || strings.Contains(*part, ",")) {
			return &SyntaxError{path, at, errors.New("want one region")}
		}
		if err == nil {
			parts = append(parts, *part)
		}
		return err
	})
	joined := strings.Join(parts, ",")
	return &joined, at, err
}

// skip passes over one value of any kind.
func (r *jsonReader) skip(string) error {
	for depth := 0; ; {
		switch tok, _ := r.next(); tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 || r.broken {
			return nil
		}
	}
}
