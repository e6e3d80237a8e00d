package claim

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"homing/bench/result"
	"homing/region"
)

// Columns of a terminal, and of a strategy's words.
const (
	screen    = 80
	wordsWide = 36
)

// Print writes what was found for a terminal of 80 columns, without colour.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A request makes k queries. Milliseconds until its user has all of the answer,\n%s.\n\n", r.medians())
	for _, from := range r.cfg.far() {
		fmt.Fprintf(&b, "A user in %s, %s\n", name(from), r.distance(from))
		for _, what := range whats {
			r.printBlock(&b, from, what)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%-*s", wordsWide+2, "Own writes not seen")
	for _, from := range r.cfg.far() {
		fmt.Fprintf(&b, "%14s", "from "+from)
	}
	b.WriteString("\n")
	for _, s := range Strategies() {
		fmt.Fprintf(&b, "  %s", pad(s.Words(), wordsWide))
		for _, from := range r.cfg.far() {
			missing, of := r.Missing(from, s)
			fmt.Fprintf(&b, "%14s", fmt.Sprintf("%d of %d", missing, of))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%s\n", result.Wrap(r.Summary(), screen, ""))
	_, err := io.WriteString(w, b.String())
	return err
}

// printBlock prints what one thing takes, in a column for each number of queries; of many
// as many as fit, the first and the last among them.
func (r *Report) printBlock(b *strings.Builder, from region.Code, what What) {
	const cell = 8
	shown := some(r.cfg.Queries, (screen-wordsWide-2)/cell)
	fmt.Fprintf(b, "\n%s", pad(upper(what.Words()), wordsWide+2))
	for _, k := range shown {
		fmt.Fprintf(b, "%*s", cell, fmt.Sprintf("k=%d", k))
	}
	b.WriteString("\n")
	for _, s := range Strategies() {
		fmt.Fprintf(b, "  %s", pad(s.Words(), wordsWide))
		for _, k := range shown {
			fmt.Fprintf(b, "%*.1f", cell, r.median(from, what, s, k))
		}
		b.WriteString("\n")
	}
}

// some are at most n of the values, evenly chosen.
func some(values []int, n int) []int {
	if len(values) <= n {
		return values
	}
	var few []int
	for i := range n {
		few = append(few, values[i*(len(values)-1)/(n-1)])
	}
	return few
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}
