package region

import (
	"cmp"
	"slices"
	"strings"
)

// longestGuess is more than any name here; longer text is no misspelling of
// one, and comparing it would cost time that a stranger chooses.
const longestGuess = 40

// otherNames are what people call a region that is not named after them,
// spelled as fold spells.
var otherNames = map[string]Code{
	"buenos aires":   "eze",
	"new york":       "ewr",
	"silicon valley": "sjc",
	"sunnyvale":      "sjc",
	"virginia":       "iad",
	"washington":     "iad",
}

// accents is how people without such a keyboard type the cities' names.
var accents = strings.NewReplacer("á", "a", "ã", "a", "é", "e")

// guess is a region whose name is near what was typed.
type guess struct {
	code      Code
	edits     int
	reordered bool // the same letters in another order, the likeliest slip
	sameStart bool // people seldom get the first letter wrong
}

// Suggest returns the known region that s was probably meant to be, for a
// "did you mean": the nearest by the spelling of its code or of its city, case
// and accents aside. A code may be one slip away, a long city one for every
// four letters; two swapped neighbours are one slip. A correct alias is
// returned as it is. It is false when nothing is near.
func Suggest(s string) (Code, bool) {
	typed := fold(s)
	if typed == "" || len(typed) > longestGuess {
		return "", false
	}
	if Code(typed).IsAlias() {
		return Code(typed), true
	}
	near := guesses(typed)
	if len(near) == 0 {
		return "", false
	}
	return slices.MinFunc(near, likelier).code, true
}

// fold makes text comparable with the names: "São Paulo " becomes "sao paulo".
func fold(s string) string {
	return accents.Replace(strings.ToLower(strings.TrimSpace(s)))
}

// guesses returns every name near enough to typed, in no particular order.
func guesses(typed string) []guess {
	var near []guess
	consider := func(name string, code Code) {
		if g := newGuess(typed, name, code); g.edits <= max(1, len(name)/4) {
			near = append(near, g)
		}
	}
	for code, place := range places {
		consider(string(code), code)
		consider(fold(place.City), code)
	}
	for name, code := range otherNames {
		consider(name, code)
	}
	return near
}

func newGuess(typed, name string, code Code) guess {
	return guess{
		code:      code,
		edits:     edits(typed, name),
		reordered: sortedLetters(typed) == sortedLetters(name),
		sameStart: typed[0] == name[0],
	}
}

// likelier orders guesses best first. The code comes last so that the answer
// never depends on the order of a map.
func likelier(a, b guess) int {
	return cmp.Or(
		cmp.Compare(a.edits, b.edits),
		trueFirst(a.reordered, b.reordered),
		trueFirst(a.sameStart, b.sameStart),
		cmp.Compare(a.code, b.code),
	)
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func sortedLetters(s string) string {
	letters := []byte(s)
	slices.Sort(letters)
	return string(letters)
}

// edits counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b, no letter being touched twice (the "optimal string
// alignment" distance). It counts bytes: names are ASCII once folded.
func edits(a, b string) int {
	// One row for each prefix of a; a swap looks two rows back.
	var twoBack, back []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		twoBack, back, row = back, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(back[j]+1, row[j-1]+1, back[j-1]+mismatch(a[i-1], b[j-1]))
			if swapped(a[:i], b[:j]) {
				row[j] = min(row[j], twoBack[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func mismatch(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// swapped reports whether a and b end in the same two letters, crosswise.
func swapped(a, b string) bool {
	i, j := len(a)-1, len(b)-1
	return i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j]
}
