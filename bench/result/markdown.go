package result

import (
	"fmt"
	"strings"
	"time"
)

// markdown is the result as a page of a repository.
func (r *Result) markdown() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", r.Title)
	if r.Summary != "" {
		fmt.Fprintf(&b, "%s\n\n", Wrap(r.Summary, 90, ""))
	}
	for _, c := range r.Charts {
		fmt.Fprintf(&b, "![%s](%s)\n\n", strings.NewReplacer("[", "(", "]", ")").Replace(c.Title), r.picture(c.Name))
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "## %s\n\n", t.Title)
		t.markdown(&b)
	}
	if len(r.Notes) > 0 {
		b.WriteString("## Notes\n\n")
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", strings.TrimPrefix(Wrap(n, 90, "  "), "  "))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "## How\n\nMeasured %s on %s; %s.\n", r.When.UTC().Format(time.DateOnly), r.Machine, r.versions())
	if len(r.Commands) > 0 {
		fmt.Fprintf(&b, "\n```console\n$ %s\n```\n", strings.Join(r.Commands, "\n$ "))
	}
	return []byte(b.String())
}

func (t *Table) markdown(b *strings.Builder) {
	var heads, rules []string
	for i, c := range t.Columns {
		head := c.Name
		if c.Unit != "" {
			head += ", " + c.Unit
		}
		rule := "--:"
		if t.isWords(i) {
			rule = "---"
		}
		heads, rules = append(heads, head), append(rules, rule)
	}
	row(b, heads)
	row(b, rules)
	for _, texts := range t.texts() {
		row(b, texts)
	}
	b.WriteByte('\n')
}

func row(b *strings.Builder, cells []string) {
	for _, c := range cells {
		fmt.Fprintf(b, "| %s ", strings.ReplaceAll(c, "|", "\\|"))
	}
	b.WriteString("|\n")
}
