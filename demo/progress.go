package demo

import (
	"fmt"
	"io"
)

// progress is one line on a terminal that says what takes its time.
type progress struct{ w io.Writer } // nil: nothing is shown

func newProgress(w io.Writer) *progress { return &progress{w} }

// say replaces the line.
func (p *progress) say(format string, args ...any) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K"+format+" …", args...)
	}
}

// done takes the line away.
func (p *progress) done() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
