package region_test

import (
	"strings"
	"testing"

	"homing/region"
)

func TestSuggest(t *testing.T) {
	cases := []struct {
		behaviour string
		in        string
		want      region.Code // "" if nothing is near
	}{
		{"a correct code", "ord", "ord"},
		{"case and blanks aside", " ORD ", "ord"},
		{"a letter too many", "ordd", "ord"},
		{"a letter missing", "rd", "ord"},
		{"a wrong letter", "phz", "phx"},
		{"two letters swapped", "gur", "gru"},
		{"swapped letters beat a wrong one", "mai", "mia"},
		{"a wrong middle letter beats a wrong first one", "sad", "syd"},
		{"the alphabet decides what is left", "mxa", "maa"},
		{"a city", "chicago", "ord"},
		{"a city of two words", "hong kong", "hkg"},
		{"a city with accents", "São Paulo", "gru"},
		{"a city without its accents", "sao paulo", "gru"},
		{"a city without its accent and misspelled", "qeuretaro", "qro"},
		{"accents in capitals", "BOGOTÁ", "bog"},
		{"a city misspelled", "amstredam", "ams"},
		{"a long city misspelled twice", "johanesberg", "jnb"},
		{"a city whose code nobody guesses", "New York", "ewr"},
		{"a correct alias", "EU", "eu"},
		{"nothing like it", "atlantis", ""},
		{"two slips in a code", "oxx", ""},
		{"a code of one's own", "fra-1", ""},
		{"empty", "", ""},
		{"blank", " \t", ""},
		{"too long to be a slip", strings.Repeat("ord", 100), ""},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			got, ok := region.Suggest(c.in)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("Suggest(%q) = %q, %v; want %q", c.in, got, ok, c.want)
			}
		})
	}
}

func TestEveryCodeAndCitySuggestsItsOwnRegion(t *testing.T) {
	for _, c := range region.Known() {
		for _, s := range []string{c.String(), c.City(), strings.ToUpper(c.City())} {
			if got, ok := region.Suggest(s); got != c || !ok {
				t.Errorf("Suggest(%q) = %q, %v; want %s", s, got, ok, c)
			}
		}
	}
}

// A map is read in another order each time, which must not show.
func TestSuggestAlwaysGivesTheSameAnswer(t *testing.T) {
	for _, s := range []string{"sxx", "sia", "maz", "xyz", "sjd"} {
		first, _ := region.Suggest(s)
		for range 100 {
			if again, _ := region.Suggest(s); again != first {
				t.Fatalf("Suggest(%q) is %q, then %q", s, first, again)
			}
		}
	}
}

func FuzzSuggest(f *testing.F) {
	f.Add("chicago")
	f.Add("São\xff")
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := region.Suggest(s)
		if _, known := code.Place(); ok && !known && !code.IsAlias() {
			t.Fatalf("Suggest(%q) = %q, which is no region", s, code)
		}
		if !ok && code != "" {
			t.Fatalf("Suggest(%q) = %q, false", s, code)
		}
	})
}
