//go:build linux

package main

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// table is one scenario's results.
type table struct {
	name, title string
	columns     []column
	rows        []row
}

// column is one thing that was measured, and how many digits of it mean something.
type column struct {
	name   string
	digits int
}

// row is one peer's results; what is negative was not told.
type row struct {
	peer   string
	values []float64
}

func (t *table) add(peer string, values ...float64) { t.rows = append(t.rows, row{peer, values}) }

// lines returns the table in words, its head first.
func (t table) lines() [][]string {
	head := []string{""}
	for _, c := range t.columns {
		head = append(head, c.name)
	}
	lines := [][]string{head}
	for _, r := range t.rows {
		line := []string{r.peer}
		for i, v := range r.values {
			line = append(line, words(v, t.columns[i].digits))
		}
		lines = append(lines, line)
	}
	return lines
}

func words(v float64, digits int) string {
	if v < 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

// write writes the table with columns as wide as they must be.
func (t table) write(w io.Writer) {
	lines := t.lines()
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(w, "\n%s\n", t.title)
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s", widths[0], line[0])
		for i, cell := range line[1:] {
			fmt.Fprintf(w, "  %*s", widths[i+1], cell)
		}
		fmt.Fprintln(w)
	}
}
