package flytoml

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is a place in a file, with or without a value. Its methods read the
// value as what is wanted, note what is wrong, and return the zero value where
// there is none, or a wrong one.
type setting struct {
	*node // nil: the file does not say
	key   string
	notes *notes
}

// notes are what is wrong with a file.
type notes struct{ problems []problem }

func (s setting) wrong(format string, args ...any) {
	s.notes.problems = append(s.notes.problems, problem{s.at, s.key, fmt.Sprintf(format, args...)})
}

func (s setting) missing() bool { return s.node == nil }

// get returns a field of a table; that of anything else is missing.
func (s setting) get(name string) setting {
	field := setting{key: name, notes: s.notes}
	if s.key != "" {
		field.key = s.key + "." + name
	}
	if s.node != nil && s.kind == table {
		field.node = s.fields[name]
	}
	return field
}

// all returns the fields of a table, in the order of the file.
func (s setting) all() []setting {
	if s.missing() {
		return nil
	}
	var fields []setting
	for _, name := range s.names {
		fields = append(fields, s.get(name))
	}
	return fields
}

// name is the last part of a field's key, as it stands in its table.
func (s setting) name(in setting) string {
	if in.key == "" {
		return s.key
	}
	return s.key[len(in.key)+1:]
}

// section returns a field that has to be a table.
func (s setting) section(name string) setting {
	field := s.get(name)
	if !field.missing() && field.kind != table {
		field.wrong("want a table, not %s", field.kind)
		field.node = nil
	}
	return field
}

// tables returns the tables of a list, or the only one.
func (s setting) tables() []setting {
	switch {
	case s.missing():
		return nil
	case s.kind == table:
		return []setting{s}
	case s.kind != list:
		s.wrong("want a table or a list of tables, not %s", s.kind)
		return nil
	}
	var all []setting
	for _, item := range s.items {
		one := setting{item, s.key, s.notes}
		if item.kind != table {
			one.wrong("want a table, not %s", item.kind)
			continue
		}
		all = append(all, one)
	}
	return all
}

// text reads text. It is not repeated in an error, since it may be a secret.
func (s setting) text() string {
	if s.missing() {
		return ""
	}
	if s.kind != text {
		s.wrong("want text, not %s", s.kind)
		return ""
	}
	s.printable(s.node.text)
	return s.node.text
}

// printable notes a NUL, which no program takes in an argument or a variable.
func (s setting) printable(t string) {
	if strings.ContainsRune(t, 0) {
		s.wrong("cannot hold a NUL character")
	}
}

// word reads one of some words; empty where there is none.
func (s setting) word(words ...string) string {
	if s.missing() {
		return ""
	}
	if s.kind != text || !slices.Contains(words, s.node.text) {
		s.wrong("want %s, not %s", either(words), s.shown())
		return ""
	}
	return s.node.text
}

// either writes a choice: "a", "b" or "c".
func either(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, strconv.Quote(w))
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// texts reads a list of texts.
func (s setting) texts() []string {
	if s.missing() {
		return nil
	}
	if s.kind != list {
		s.wrong("want a list of texts, not %s", s.kind)
		return nil
	}
	var all []string
	for _, item := range s.items {
		all = append(all, setting{item, s.key, s.notes}.text())
	}
	return all
}

// words reads a list of texts, or the only one.
func (s setting) words() []string {
	if !s.missing() && s.kind == text {
		return []string{s.text()}
	}
	return s.texts()
}

func (s setting) flag() bool {
	if s.missing() {
		return false
	}
	if s.kind != boolean {
		s.wrong("want true or false, not %s", s.shown())
	}
	return s.node.text == "true"
}

// number reads a whole number, or text with one. The error says what is wanted.
func (s setting) number(least, most int64, wanted string) int64 {
	if s.missing() {
		return 0
	}
	n, ok := s.whole()
	if !ok || n < least || n > most {
		s.wrong("want %s, not %s", wanted, s.shown())
		return 0
	}
	return n
}

func (s setting) whole() (int64, bool) {
	switch s.kind {
	case integer:
		n, err := strconv.ParseInt(s.node.text, 0, 64)
		return n, err == nil
	case text:
		n, err := strconv.ParseInt(s.node.text, 10, 64)
		return n, err == nil
	case float:
		f, err := s.fraction()
		n := int64(f)
		return n, err == nil && float64(n) == f && math.Abs(f) < 1<<53
	}
	return 0, false
}

func (s setting) fraction() (float64, error) {
	return strconv.ParseFloat(strings.ReplaceAll(s.node.text, "_", ""), 64)
}

// count reads a number of things; 0 where there is none.
func (s setting) count() int {
	return int(s.number(0, math.MaxInt32, "a whole number from 0 on"))
}

// port reads a port; 0 where there is none.
func (s setting) port() int {
	return int(s.number(1, 65535, "a port from 1 to 65535"))
}

// duration reads text such as "1m30s", or a number of units. Empty text is no
// duration.
func (s setting) duration(unit time.Duration) time.Duration {
	if s.missing() || s.kind == text && s.node.text == "" {
		return 0
	}
	d, ok := s.span(unit)
	if !ok || d < 0 {
		name := map[time.Duration]string{time.Millisecond: "milliseconds", time.Second: "seconds"}[unit]
		s.wrong(`want a duration such as "10s", or a number of %s, not %s`, name, s.shown())
		return 0
	}
	return d
}

func (s setting) span(unit time.Duration) (time.Duration, bool) {
	switch s.kind {
	case text:
		d, err := time.ParseDuration(s.node.text)
		return d, err == nil
	case integer, float:
		f, err := s.fraction()
		if n, ok := s.whole(); ok {
			f, err = float64(n), nil // one written as 0x10, too
		}
		f *= float64(unit)
		return time.Duration(f), err == nil && math.Abs(f) < math.MaxInt64
	}
	return 0, false
}

// maxShown is how many bytes of a wrong value an error repeats.
const maxShown = 80

// shown is a value for an error: what is short is shown as it is.
func (s setting) shown() string {
	switch s.kind {
	case table, list:
		return s.kind.String()
	case text:
		if len(s.node.text) > maxShown {
			return strconv.Quote(s.node.text[:maxShown]) + "…"
		}
		return strconv.Quote(s.node.text)
	}
	return s.node.text
}

// String returns what k is to people.
func (k kind) String() string {
	return [...]string{"a table", "a list", "text", "a number", "a number", "true or false", "a date or time"}[k]
}
