package result

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// nothing stands where nothing was measured.
const nothing = "–"

// cell writes one value as readers see it.
func (c Column) cell(v any) string {
	switch v := v.(type) {
	case nil:
		return nothing
	case float64:
		return strconv.FormatFloat(v, 'f', c.Digits, 64)
	default:
		return fmt.Sprint(v)
	}
}

// isWords reports whether a column has words rather than numbers.
func (t *Table) isWords(column int) bool {
	for _, row := range t.Rows {
		if _, is := row[column].(string); is {
			return true
		}
	}
	return false
}

// texts are the table's rows as readers see them.
func (t *Table) texts() [][]string {
	var rows [][]string
	for _, row := range t.Rows {
		var texts []string
		for i, v := range row {
			texts = append(texts, t.Columns[i].cell(v))
		}
		rows = append(rows, texts)
	}
	return rows
}

// runes is how wide a text is.
func runes(s string) int { return utf8.RuneCountInString(s) }
