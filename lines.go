package homing

import (
	"net/http"
	"strings"
)

// lines are what an answer's head gets from us. All of their text is one string, and
// the slices that a header wants are parts of an array: both cost an allocation for
// each line otherwise. They are one answer's alone, since an app may keep its header.
type lines struct {
	text   strings.Builder
	values [4]string // Content-Length, decision, role, keep-alive
	used   int
}

// usualText is as much text as most answers get, in bytes.
const usualText = 128

// set puts a line into a header. The name must be in canonical form.
func (l *lines) set(h http.Header, name, value string) {
	if l.used == len(l.values) { // told twice: the first answer was dropped
		h[name] = []string{value}
		return
	}
	l.values[l.used] = value
	l.used++
	h[name] = l.values[l.used-1 : l.used : l.used]
}

// write is set for a value that has yet to become a string.
func (l *lines) write(h http.Header, name string, value []byte) {
	before := l.text.Len()
	if before == 0 {
		l.text.Grow(usualText)
	}
	l.text.Write(value)
	l.set(h, name, l.text.String()[before:])
}
