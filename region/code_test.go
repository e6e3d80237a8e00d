package region_test

import (
	"strings"
	"testing"

	"homing/region"
)

// kelvin is a letter outside ASCII whose lower case is the ASCII "k".
const kelvin = "\u212a"

var parseCases = []struct {
	behaviour string
	in        string
	want      region.Code // "" if it must be refused
}{
	{"a known region", "ord", "ord"},
	{"an alias", "apac", "apac"},
	{"upper case is lowered", "ORD", "ord"},
	{"a code of one's own", "fra-1", "fra-1"},
	{"the shortest", "us", "us"},
	{"the longest", "a" + strings.Repeat("9", 31), region.Code("a" + strings.Repeat("9", 31))},
	{"empty", "", ""},
	{"one letter", "a", ""},
	{"one too long", "a" + strings.Repeat("9", 32), ""},
	{"a digit first", "1fra", ""},
	{"a hyphen first", "-fra", ""},
	{"blanks are not trimmed", " ord", ""},
	{"nor at the end", "ord\n", ""},
	{"a list", "iad,ord", ""},
	{"an underscore", "fra_1", ""},
	{"letters outside ASCII", "münchen", ""},
	{"a sign that lower-cases to a letter", "h" + kelvin + "g", ""},
	{"a byte that is no text", "or\xff", ""},
}

func TestParse(t *testing.T) {
	for _, c := range parseCases {
		t.Run(c.behaviour, func(t *testing.T) {
			got, err := region.Parse(c.in)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("Parse(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		})
	}
}

func TestParseErrorShowsTheInputAndWhatIsWanted(t *testing.T) {
	_, err := region.Parse("or d")
	for _, part := range []string{`"or d"`, "2 to 32", "a-z, 0-9 and '-'", "starting with a letter"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %s", err, part)
		}
	}
}

func TestParseErrorRepeatsOnlyTheStartOfALongInput(t *testing.T) {
	_, err := region.Parse(strings.Repeat("x", 1<<20))
	if err == nil {
		t.Fatal("no error for a megabyte of x")
	}
	if n := strings.Count(err.Error(), "x"); n > 80 || n < 40 {
		t.Errorf("the error repeats %d bytes, want the start and at most 80", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range parseCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, err := region.Parse(s)
		if err != nil {
			if code != "" || len(err.Error()) > 500 {
				t.Fatalf("Parse(%q) = %q with an error of %d bytes", s, code, len(err.Error()))
			}
			return
		}
		if string(code) != strings.ToLower(s) {
			t.Fatalf("Parse(%q) = %q, more than lower-cased", s, code)
		}
		if again, err := region.Parse(code.String()); again != code || err != nil {
			t.Fatalf("Parse(%q) = %q, %v after a first Parse", code, again, err)
		}
	})
}

func TestIsAlias(t *testing.T) {
	for _, c := range []region.Code{"apac", "eu", "na", "sa", "us", "usa", "any"} {
		if !c.IsAlias() {
			t.Errorf("%s is not an alias", c)
		}
	}
	for _, c := range append(region.Known(), "", "fra-1", "EU", "africa") {
		if c.IsAlias() {
			t.Errorf("%q is an alias", c)
		}
	}
}

func TestIncludes(t *testing.T) {
	cases := []struct {
		behaviour    string
		group, other region.Code
		want         bool
	}{
		{"a region includes itself", "ord", "ord", true},
		{"but no other", "ord", "iad", false},
		{"not even one in its city's country", "gig", "gru", false},
		{"an alias includes its regions", "eu", "ams", true},
		{"London is in Europe", "eu", "lhr", true},
		{"Mexico is in North America", "na", "qro", true},
		{"but not in the United States", "us", "qro", false},
		{"us and usa are one", "us", "usa", true},
		{"an alias includes a smaller one", "na", "us", true},
		{"but not a larger one", "us", "na", false},
		{"aliases apart", "eu", "apac", false},
		{"a region does not include its alias", "ord", "us", false},
		{"any includes a region without continent", "any", "jnb", true},
		{"any includes a code of one's own", "any", "fra-1", true},
		{"any includes an alias", "any", "eu", true},
		{"any includes the zero code", "any", "", true},
		{"no alias includes any", "eu", "any", false},
		{"no alias includes a code of one's own", "eu", "fra-1", false},
		{"a code of one's own includes itself", "fra-1", "fra-1", true},
		{"an alias does not include the zero code", "eu", "", false},
		{"the zero code includes nothing", "", "ord", false},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			if got := c.group.Includes(c.other); got != c.want {
				t.Errorf("%q includes %q: %v, want %v", c.group, c.other, got, c.want)
			}
		})
	}
}
