package app

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// output is one stream of lines from many. Safe for concurrent use.
type output struct {
	to     io.Writer
	colour bool
	width  int // of the longest name

	mu      sync.Mutex
	colours map[string]int // by the first word of a name
}

// palette is of colours that can be read on light and dark, without red, which means
// that something is wrong.
var palette = []int{36, 33, 32, 35, 34, 96, 93, 92, 95, 94}

func newOutput(to io.Writer, colour bool, names []string) *output {
	o := &output{to: to, colour: colour, colours: map[string]int{}}
	for _, name := range names {
		o.width = max(o.width, len(name))
	}
	return o
}

// line writes a line of what name says, in one piece.
func (o *output) line(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	prefix := fmt.Sprintf("%-*s | ", o.width, name)
	if !o.colour {
		fmt.Fprintf(o.to, "%s%s\n", prefix, text)
		return
	}
	// What the app coloured last must not colour what others say.
	fmt.Fprintf(o.to, "\x1b[%dm%s\x1b[0m%s\x1b[0m\n", o.colourOf(name), prefix, text)
}

// say writes text of our own.
func (o *output) say(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.to, format, args...)
}

// Write writes whole lines of what is ours.
func (o *output) Write(lines []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(lines)
}

// colourOf is the same for all machines of a region; mu is held.
func (o *output) colourOf(name string) int {
	region, _, _ := strings.Cut(name, "/")
	c, ok := o.colours[region]
	if !ok {
		c = palette[len(o.colours)%len(palette)]
		o.colours[region] = c
	}
	return c
}
