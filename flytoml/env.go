package flytoml

import (
	"fmt"
	"strconv"
	"strings"

	"homing/region"
)

// env reads variables: a table, or a list of tables that are one. Their values are
// not repeated in errors.
func env(s setting) map[string]string {
	vars := map[string]string{}
	for _, t := range s.tables() {
		for _, v := range t.all() {
			name := v.name(t)
			if name == "" || strings.ContainsAny(name, "=\x00") {
				v.wrong(`a variable's name cannot be empty, nor hold "=" or NUL`)
			}
			vars[name] = v.scalar()
		}
	}
	return vars
}

// scalar reads text, or what stands for it, as Fly writes it.
func (s setting) scalar() string {
	if s.missing() {
		return ""
	}
	switch s.kind {
	case table:
		s.wrong(`want text, a number or true or false, not a table; a name with a dot needs quotes: "a.b" = "c"`)
	case list:
		s.wrong("want text, a number or true or false, not a list")
	case integer:
		if n, err := strconv.ParseInt(s.node.text, 0, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
	case float:
		if f, err := s.fraction(); err == nil {
			return fmt.Sprint(f)
		}
	default:
		s.printable(s.node.text)
	}
	return s.node.text
}

// primaryRegion reads primary_region or, in files older than that, the variable
// that apps know it by.
func primaryRegion(root setting) region.Code {
	s := root.get("primary_region")
	if s.missing() {
		for _, t := range (setting{root.get("env").node, "env", &notes{}}).tables() {
			if v := t.get("PRIMARY_REGION"); !v.missing() {
				s = setting{v.node, v.key, root.notes}
			}
		}
	}
	return home(s)
}

// home reads the code of one region.
func home(s setting) region.Code {
	name := s.text()
	if name == "" {
		return ""
	}
	code, err := region.Parse(name)
	if err != nil {
		s.wrong("%v", err)
		return ""
	}
	if code.IsAlias() {
		s.wrong("want one region, and %s is a group of them", code)
		return ""
	}
	if known, slip := misspelt(code); slip {
		s.wrong(`did you mean %q (%s)? No region is called %q; one of your own needs a name less like it, such as %q`,
			known, known.City(), code, code+"-1")
	}
	return code
}

// misspelt returns the region that code was meant to be, if it is one slip away
// from its code. Longer names are of one's own, even those of cities.
func misspelt(code region.Code) (region.Code, bool) {
	if _, known := code.Place(); known || len(code) > 4 {
		return "", false
	}
	return region.Suggest(string(code))
}
