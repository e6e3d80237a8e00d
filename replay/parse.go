package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"homing/machine"
	"homing/region"
)

// blanks may stand around names, values and separators (RFC 9110 §5.6.3).
const blanks = " \t"

// trim returns s without the blanks around it: [strings.Trim] would make a table of
// them, every time.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// SyntaxError says what is wrong with a header, and where.
type SyntaxError struct {
	Field  string // name of the field, empty if the trouble is before one
	Offset int    // bytes from the start of the header's value
	Err    error  // what is wrong, without quoting a state
}

// Error returns one line.
func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("at byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("%s at byte %d: %v", clip(e.Field), e.Offset, e.Err)
}

// Unwrap returns what is wrong.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Parse reads the header form of an instruction. The error is a [*SyntaxError].
func Parse(header string) (Instruction, error) {
	var in Instruction
	err := eachField(header, func(name, value string) error {
		switch {
		case !slices.Contains(fieldNames[:], name):
			return nil
		case value == "":
			return errors.New("has no value")
		case name != "state" && strings.Contains(value, "="):
			// Not quoted: what runs on may be a state, which is nobody's to see.
			return errors.New(`holds "="; fields are separated by ";"`)
		}
		return in.set(name, value)
	})
	if err != nil {
		return Instruction{}, err
	}
	return in, nil
}

// fieldNames are the fields that both forms have.
var fieldNames = [...]string{"region", "instance", "prefer_instance", "app", "state", "elsewhere", "timeout", "fallback"}

// set reads one of them.
func (in *Instruction) set(name, value string) (err error) {
	switch name {
	case "region":
		in.Regions, err = parseRegions(value)
	case "instance":
		in.Instance, err = machine.ParseID(value)
	case "prefer_instance":
		in.PreferInstance, err = machine.ParseID(value)
	case "app":
		in.App, err = machine.ParseApp(value)
	case "state":
		in.State, err = value, checkState(value)
	case "elsewhere":
		in.Elsewhere, err = parseBool(value)
	case "timeout":
		in.Timeout, err = parseTimeout(value)
	case "fallback":
		in.Fallback, err = parseFallback(value)
	}
	return err
}

func parseRegions(s string) ([]region.Code, error) {
	var codes []region.Code
	for part := range strings.SplitSeq(s, ",") {
		c, err := region.Parse(trim(part))
		if err != nil {
			return nil, err
		}
		codes = append(codes, c)
	}
	return codes, nil
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("want true or false, not %q", clip(s))
}

func parseTimeout(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`want a time with its unit such as "10s" or "800ms", not %q`, clip(s))
	}
	return d, nil
}

// eachField splits name=value;name=value and calls f with the name in lower case
// and the value without quotes.
func eachField(s string, f func(name, value string) error) error {
	seen := make(map[string]bool, 4)
	for at := 0; at < len(s); {
		at += len(s[at:]) - len(strings.TrimLeft(s[at:], blanks+";"))
		if at == len(s) {
			break
		}
		start := at
		name, _, found := strings.Cut(s[at:], "=")
		if !found || !isFieldName(trim(name)) {
			return &SyntaxError{Offset: start, Err: errors.New("want name=value")}
		}
		at += len(name) + 1
		name = strings.ToLower(trim(name))
		value, next, err := cutValue(s, at, name == "state")
		at = next
		if err == nil && seen[name] {
			err = errors.New("is given twice")
		}
		seen[name] = true
		if err == nil {
			err = f(name, value)
		}
		if err != nil {
			return &SyntaxError{Field: name, Offset: start, Err: err}
		}
	}
	if len(seen) == 0 {
		return &SyntaxError{Err: errors.New("is empty; want name=value")}
	}
	return nil
}

// cutValue returns the value that begins at s[at:] and where the next field does.
func cutValue(s string, at int, raw bool) (value string, next int, err error) {
	rest := strings.TrimLeft(s[at:], blanks)
	at = len(s) - len(rest)
	if !raw && strings.HasPrefix(rest, `"`) {
		value, after, closed := strings.Cut(rest[1:], `"`)
		if !closed {
			return "", len(s), errors.New("has no closing quote")
		}
		after = strings.TrimLeft(after, blanks)
		if after != "" && after[0] != ';' && after[0] != ',' {
			return "", len(s), errors.New("has text after its closing quote")
		}
		return trim(value), len(s) - len(strings.TrimPrefix(after, ",")), nil
	}
	end := strings.IndexByte(rest, ';')
	if end < 0 {
		end = len(rest)
	}
	if !raw {
		end = cutAtNextName(rest[:end])
	}
	next = at + end
	if next < len(s) {
		next++ // the separator
	}
	return trim(rest[:end]), next, nil
}

// cutAtNextName returns where s ends if a comma in it begins another field.
func cutAtNextName(s string) int {
	for i := range len(s) {
		if s[i] != ',' {
			continue
		}
		// Only up to the next comma: every byte is looked at twice at most.
		part, _, _ := strings.Cut(s[i+1:], ",")
		name, _, found := strings.Cut(part, "=")
		if found && isFieldName(trim(name)) {
			return i
		}
	}
	return len(s)
}

func isFieldName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !('a' <= c && c <= 'z') && !('0' <= s[i] && s[i] <= '9') && s[i] != '_' && s[i] != '.' && s[i] != '-' {
			return false
		}
	}
	return s != ""
}
