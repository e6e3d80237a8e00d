package result

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the table alone, as [Result.Print] writes it among others: for
// benchmarks that take long, as soon as it is whole.
func (t *Table) Print(w io.Writer) error {
	if err := t.validate(); err != nil {
		return fmt.Errorf("table %q: %w", t.Title, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s\n", t.Title)
	t.print(&b)
	_, err := io.WriteString(w, b.String())
	return err
}
