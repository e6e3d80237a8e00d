package health

import (
	"context"
	"strings"
	"unicode"
)

// Finding is what a check has found last.
type Finding struct {
	// Known says that it has passed, or failed beyond its grace period.
	Known   bool
	Problem string // why it does not pass; empty: it passes
	// Output is the beginning of what an HTTP check was answered, in a line.
	Output string
}

// Follow asks the machine at addr until ctx ends, each check by its own interval, and
// calls tell with its number whenever it has found something else: for checks that are
// shown and decide nothing, see [Examine]. tell may be called for several at once, and
// not after Follow has returned.
func Follow(ctx context.Context, addr string, checks []Check, tell func(i int, f Finding)) {
	each(addr, checks, func(i int, e examiner) {
		var last Finding
		e.run(ctx, func(f Finding) {
			if f != last {
				last = f
				tell(i, f)
			}
		})
	})
}

// mostOutput is how many characters of an answer are kept.
const mostOutput = 200

// beginning makes a short line of a text that anybody may have written.
func beginning(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, strings.ToValidUTF8(text, ""))
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > mostOutput {
		line = append(line[:mostOutput], '…')
	}
	return string(line)
}
