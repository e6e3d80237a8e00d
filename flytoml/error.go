package flytoml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// Error is one thing that is wrong with a file, and where.
type Error struct {
	File         string // as it was named to [Read]
	Line, Column int    // from 1; columns are characters
	Key          string // such as "http_service.internal_port"; empty: no key's
	Text         string // what is wanted
}

// Error returns "fly.toml:12:5: http_service.internal_port: want …".
func (e *Error) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Key != "" {
		where += e.Key + ": "
	}
	return where + e.Text
}

// problem is an error whose place is still an offset.
type problem struct {
	at        int
	key, text string
}

// report turns problems into errors, in the order of the file.
func report(name string, data []byte, problems []problem) error {
	slices.SortStableFunc(problems, func(a, b problem) int { return cmp.Compare(a.at, b.at) })
	var errs []error
	at := start(data)
	for _, p := range problems {
		at.advance(p.at)
		errs = append(errs, &Error{File: name, Line: at.line, Column: at.column, Key: p.key, Text: p.text})
	}
	return errors.Join(errs...)
}

// place is a line and a column, and the rest of the data from there on. It only
// moves on, since a file may have many errors.
type place struct {
	line, column, offset int
	rest                 []byte
}

func start(data []byte) place { return place{line: 1, column: 1, rest: data} }

// advance goes to an offset that is not before the present one. Columns count
// characters, as editors do.
func (p *place) advance(offset int) {
	passed := p.rest[:min(offset-p.offset, len(p.rest))]
	p.rest, p.offset = p.rest[len(passed):], p.offset+len(passed)
	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		p.line += bytes.Count(passed, []byte{'\n'})
		p.column = 1
		passed = passed[last+1:]
	}
	p.column += utf8.RuneCount(passed)
}

// syntaxError says where data is no TOML. The library counts a column's bytes.
func syntaxError(name string, data []byte, err error) error {
	found := &Error{File: name, Line: 1, Column: 1, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	var bad *toml.DecodeError
	if !errors.As(err, &bad) {
		return found
	}
	line, column := bad.Position()
	offset := column - 1
	for range line - 1 {
		offset += bytes.IndexByte(data[offset-column+1:], '\n') + 1
	}
	at := start(data)
	at.advance(offset)
	found.Line, found.Column = at.line, at.column
	return found
}
