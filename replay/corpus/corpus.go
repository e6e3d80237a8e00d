// Package corpus reads the cases that say what the protocol means, and writes the
// page docs/protocol.md from them. Each package that carries out a part of the
// protocol keeps its cases in testdata/*.txt and runs them in a table test; the
// parsers' fuzzers start from the same cases. Only tests import it.
//
// A file is a section of the page. A case is one behaviour:
//
//	# The header form
//	source: Fly, Replay Header Format
//
//	== a list of regions, in order of preference
//	header: region="iad,ord,us,na"
//	want: {"region":"iad,ord,us,na"}
//
//	== a list without quotes
//	header: region=iad,ord
//	want: {"region":"iad,ord"}
//	diverges: Fly wants a list quoted
//
// "source" is a heading of Fly's page "Dynamic Request Routing", "Fly, Page,
// Heading" for another page, or, for what Fly does not document, "Specification,
// Heading" for docs/specification.md; before the first case it holds for all that have
// none. What the other keys mean is up to the table test; they may repeat. A key that
// ends in "-go" has a Go string as its value, for bytes that a text file should not
// hold. Indented lines go on with the value above. A line that begins with "//" is a
// comment.
package corpus

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Case is one behaviour.
type Case struct {
	Section  string // heading of its file
	Name     string
	Source   string // where it is documented
	Diverges string // what is documented otherwise; empty: we do the same
	Where    string // file and line, for messages
	Fields   []Field
}

// Field is a line "key: value" of a case, "-go" undone.
type Field struct{ Key, Value string }

// All returns the values of a key in their order.
func (c Case) All(key string) []string {
	var values []string
	for _, f := range c.Fields {
		if f.Key == key {
			values = append(values, f.Value)
		}
	}
	return values
}

// Get returns the first value of a key, empty if there is none.
func (c Case) Get(key string) string {
	value, _ := c.Lookup(key)
	return value
}

// Lookup returns the first value of a key, and whether there is one.
func (c Case) Lookup(key string) (string, bool) {
	for _, f := range c.Fields {
		if f.Key == key {
			return f.Value, true
		}
	}
	return "", false
}

// Read returns the cases of every *.txt in a folder, in the order of their names. A
// folder that is not there has none.
func Read(dir string) ([]Case, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []Case
	names := map[string]string{}
	for _, path := range paths {
		cases, err := readFile(path)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			key := c.Section + ": " + c.Name
			if other := names[key]; other != "" {
				return nil, fmt.Errorf("%s: %q has the name of the case at %s", c.Where, c.Name, other)
			}
			names[key] = c.Where
		}
		all = append(all, cases...)
	}
	return all, nil
}

// reader is what is known so far of a file.
type reader struct {
	section, source string
	cases           []Case
}

func readFile(path string) ([]Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r reader
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for n := 1; lines.Scan(); n++ {
		where := fmt.Sprintf("%s:%d", filepath.ToSlash(path), n)
		if err := r.line(lines.Text(), where); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range r.cases {
		if err := r.cases[i].finish(r.source); err != nil {
			return nil, fmt.Errorf("%s: %w", r.cases[i].Where, err)
		}
	}
	return r.cases, nil
}

func (r *reader) line(line, where string) error {
	var last *Case
	if len(r.cases) > 0 {
		last = &r.cases[len(r.cases)-1]
	}
	switch {
	case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "//"):
		return nil
	case strings.HasPrefix(line, "# ") && last == nil:
		r.section = line[2:]
		return nil
	case strings.HasPrefix(line, "== "):
		r.cases = append(r.cases, Case{Section: r.section, Name: line[3:], Where: where})
		return nil
	case strings.HasPrefix(line, "  ") && last != nil && len(last.Fields) > 0:
		last.Fields[len(last.Fields)-1].Value += "\n" + line[2:]
		return nil
	}
	key, value, ok := strings.Cut(line, ":")
	if !ok || key == "" || strings.ContainsAny(key, " \t") {
		return fmt.Errorf(`want "key: value", not %q`, line)
	}
	value = strings.TrimPrefix(value, " ")
	if last != nil {
		last.Fields = append(last.Fields, Field{key, value})
		return nil
	}
	if key != "source" {
		return fmt.Errorf("%s stands before the first case", key)
	}
	r.source = value
	return nil
}

// finish takes out of the fields what every case has, and undoes "-go".
func (c *Case) finish(source string) error {
	c.Source = source
	fields := c.Fields
	c.Fields = nil
	for _, f := range fields {
		if key, ok := strings.CutSuffix(f.Key, "-go"); ok {
			value, err := strconv.Unquote(f.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Key, err)
			}
			f = Field{key, value}
		}
		switch f.Key {
		case "source":
			c.Source = f.Value
		case "diverges":
			c.Diverges = f.Value
		default:
			c.Fields = append(c.Fields, f)
		}
	}
	if c.Section == "" || c.Source == "" || len(c.Fields) == 0 {
		return fmt.Errorf("%q lacks its section, its source or what it is about", c.Name)
	}
	return nil
}
