package corpus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"homing/replay/corpus"
)

const specification = "../../docs/specification.md"

// headings reads those of the specification.
func headings(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	return corpus.Headings(string(text))
}

// A renamed heading would leave links that lead nowhere.
func TestEachSourceIsThere(t *testing.T) {
	headings := headings(t)
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

// The cases of package wire have their own form, and cite the specification as a file.
func TestEachSourceOfWireIsThere(t *testing.T) {
	files, err := filepath.Glob("../../wire/testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	headings, cited := headings(t), 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range citation.FindAllStringSubmatch(string(text), -1) {
			cited++
			if !slices.Contains(headings, at[1]) {
				t.Errorf("%s cites the heading %q, which docs/specification.md lacks", file, at[1])
			}
		}
	}
	if cited == 0 {
		t.Error("nothing is cited: the test looks in the wrong place")
	}
}

var citation = regexp.MustCompile(`docs/specification\.md, "([^"]*)"`)

func TestCheckSource(t *testing.T) {
	headings := corpus.Headings("# A\n\ntext\n#no heading\n### `B`, and C\n# \n")
	if want := []string{"A", "`B`, and C"}; !slices.Equal(headings, want) {
		t.Fatalf("headings are %q, want %q", headings, want)
	}
	for source, want := range map[string]string{
		"Fly, Anything":              "",
		"Fly, Error Codes, Anything": "",
		"Specification, A":           "",
		"Specification, `B`, and C":  "",
		"Specification, C":           `f.txt:1: source "Specification, C" names a heading that docs/specification.md lacks`,
		"Specification":              "names a heading",
		"Fly, Error, Anything":       `source "Fly, Error, Anything" names a page of Fly's that`,
		"Elsewhere, A":               `begins neither with "Fly," nor with "Specification,"`,
	} {
		err := corpus.Case{Source: source, Where: "f.txt:1"}.CheckSource(headings)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", source, err, want)
		}
	}
}
