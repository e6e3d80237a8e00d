package result

import (
	"fmt"
	"io"
	"strings"
)

// Columns that a terminal has.
const screen = 80

// Print writes the tables for a terminal of 80 columns, without colour. A table that is
// wider is continued below, with its first column again.
func (r *Result) Print(w io.Writer) error {
	if err := r.validate(); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Title)
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n  %s\n", t.Title)
		t.print(&b)
	}
	paragraph := func(s string) {
		if s != "" {
			fmt.Fprintf(&b, "\n%s\n", Wrap(s, screen, "  "))
		}
	}
	paragraph(r.Summary)
	paragraph(r.Machine.String() + "; " + r.versions() + ".")
	_, err := io.WriteString(w, b.String())
	return err
}

// print writes the columns in as many pieces as it takes.
func (t *Table) print(b *strings.Builder) {
	rows, widths := t.texts(), t.widths()
	for from := 1; ; {
		shown, used := []int{0}, 2+widths[0]
		for from < len(widths) && (len(shown) == 1 || used+2+widths[from] <= screen) {
			shown, used = append(shown, from), used+2+widths[from]
			from++
		}
		for _, head := range t.heads(widths) {
			t.printRow(b, head, widths, shown)
		}
		for _, row := range rows {
			t.printRow(b, row, widths, shown)
		}
		if from >= len(widths) {
			return
		}
		b.WriteByte('\n')
	}
}

func (t *Table) printRow(b *strings.Builder, row []string, widths, shown []int) {
	var line strings.Builder
	for _, i := range shown {
		room := strings.Repeat(" ", max(0, widths[i]-runes(row[i])))
		if t.isWords(i) {
			line.WriteString("  " + row[i] + room)
		} else {
			line.WriteString("  " + room + row[i])
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// headWidth is how wide a column is made by its name alone; longer ones are wrapped.
const headWidth = 12

// widths are those of the columns: their widest cell's, or as their names need.
func (t *Table) widths() []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		for _, row := range t.texts() {
			widths[i] = max(widths[i], runes(row[i]))
		}
		for line := range strings.Lines(Wrap(c.Name, max(widths[i], headWidth), "")) {
			widths[i] = max(widths[i], runes(strings.TrimSpace(line)))
		}
		widths[i] = max(widths[i], runes(c.Unit))
	}
	return widths
}

// heads are the lines above the cells: names, at the bottom of as many lines as the
// longest needs, and units.
func (t *Table) heads(widths []int) [][]string {
	var names [][]string
	most, units := 0, make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names = append(names, strings.Split(Wrap(c.Name, widths[i], ""), "\n"))
		most, units[i] = max(most, len(names[i])), c.Unit
	}
	lines := make([][]string, most)
	for n := range lines {
		lines[n] = make([]string, len(t.Columns))
		for i := range t.Columns {
			if from := n - (most - len(names[i])); from >= 0 {
				lines[n][i] = names[i][from]
			}
		}
	}
	if strings.Join(units, "") != "" {
		lines = append(lines, units)
	}
	return lines
}

// Wrap breaks a text into lines that begin with indent, of at most width characters as
// far as its words allow.
func Wrap(s string, width int, indent string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && runes(indent)+runes(line)+1+runes(word) > width {
			lines, line = append(lines, indent+line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, indent+line), "\n")
}
