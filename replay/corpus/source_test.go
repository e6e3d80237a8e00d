package corpus_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"homing/replay/corpus"
)

const specification = "../../docs/specification.md"

// A renamed heading would leave links that lead nowhere.
func TestEachSourceIsThere(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	headings := corpus.Headings(string(text))
	for _, c := range cases(t) {
		if err := c.CheckSource(headings); err != nil {
			t.Error(err)
		}
	}
	// Links to the second of a name would lead to the first.
	slices.Sort(headings)
	for i := range headings[1:] {
		if headings[i] == headings[i+1] {
			t.Errorf("docs/specification.md has the heading %q twice", headings[i])
		}
	}
}

func TestCheckSource(t *testing.T) {
	headings := corpus.Headings("# A\n\ntext\n#no heading\n### `B`, and C\n# \n")
	if want := []string{"A", "`B`, and C"}; !slices.Equal(headings, want) {
		t.Fatalf("headings are %q, want %q", headings, want)
	}
	for source, want := range map[string]string{
		"Fly, Anything":              "",
		"Fly, Error Codes, Anything": "",
		"PROTOCOL, A":                "",
		"PROTOCOL, `B`, and C":       "",
		"PROTOCOL, C":                `f.txt:1: source "PROTOCOL, C" names a heading that docs/specification.md lacks`,
		"PROTOCOL":                   "names a heading",
		"Fly, Error, Anything":       `source "Fly, Error, Anything" names a page of Fly's that`,
		"Elsewhere, A":               `begins neither with "Fly," nor with "PROTOCOL,"`,
	} {
		err := corpus.Case{Source: source, Where: "f.txt:1"}.CheckSource(headings)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", source, err, want)
		}
	}
}
