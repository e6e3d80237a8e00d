package corpus

import (
	"fmt"
	"slices"
	"strings"
)

// Who describes a behaviour: the first word of a source.
const (
	fly  = "Fly"
	spec = "Specification" // docs/specification.md
)

// cited says who describes the behaviour, on which page of Fly's, and under which
// heading. The page is empty where it is ours.
func (c Case) cited() (who, page, heading string) {
	who, heading, _ = strings.Cut(c.Source, ", ")
	if who != fly {
		return who, "", heading
	}
	if page, under, ok := strings.Cut(heading, ", "); ok {
		return who, page, under
	}
	return who, routing, heading
}

// CheckSource says what is wrong with where a case says that it is documented. Headings
// are those of docs/specification.md; those of Fly's pages are not known here.
func (c Case) CheckSource(headings []string) error {
	who, page, heading := c.cited()
	switch {
	case who == fly && pages[page] == "":
		return fmt.Errorf("%s: source %q names a page of Fly's that replay/corpus/page.go does not know", c.Where, c.Source)
	case who == fly:
		return nil
	case who != spec:
		return fmt.Errorf("%s: source %q begins neither with %q nor with %q", c.Where, c.Source, fly+",", spec+",")
	case !slices.Contains(headings, heading):
		return fmt.Errorf("%s: source %q names a heading that docs/specification.md lacks", c.Where, c.Source)
	}
	return nil
}

// Headings returns the headings of a page in Markdown, of any level.
func Headings(page string) []string {
	var all []string
	for line := range strings.Lines(page) {
		marks, heading, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && marks != "" && strings.Trim(marks, "#") == "" {
			all = append(all, strings.TrimSpace(heading))
		}
	}
	return all
}
