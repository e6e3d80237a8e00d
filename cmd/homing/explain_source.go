package main

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"homing/replay"
)

const (
	screen = 80 // columns an explanation may take
	margin = 18 // columns of the names on the left
)

// lines are an explanation: names on the left, texts on the right, wrapped.
type lines []string

func (w *lines) add(name string, texts ...string) {
	for _, text := range texts {
		for _, part := range wrap(printable(text), screen-margin) {
			*w = append(*w, name+strings.Repeat(" ", margin-len(name))+part)
			name = ""
		}
	}
}

// wrap breaks text between words, and a word that is too long anywhere.
func wrap(text string, width int) []string {
	var parts []string
	for rest := []rune(text); ; {
		if len(rest) <= width {
			return append(parts, string(rest))
		}
		at := width
		for at > width/2 && rest[at] != ' ' {
			at--
		}
		if rest[at] != ' ' {
			at = width
		}
		parts = append(parts, strings.TrimRight(string(rest[:at]), " "))
		rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
	}
}

// printable replaces what would move the cursor or forge a line, byte by byte
// where it is not text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, s)
}

// source is an instruction as it was given, to show where it is wrong. hide masks
// what may be a state, byte for byte.
type source struct {
	text string
	hide func(text string, err *replay.SyntaxError) string
}

// pointAt returns the line around the trouble, and a caret below its byte.
func (s source) pointAt(err *replay.SyntaxError) string {
	at := min(max(err.Offset, 0), len(s.text))
	text := s.hide(s.text, err)
	start := strings.LastIndexAny(text[:at], "\r\n") + 1
	end := len(text)
	if n := strings.IndexAny(text[at:], "\r\n"); n >= 0 {
		end = at + n
	}
	before, after := []rune(printable(text[start:at])), []rune(printable(text[at:end]))
	if over := len(before) - screen/2; over > 0 {
		before = append([]rune("…"), before[over+1:]...)
	}
	if room := screen - 4 - len(before); len(after) > room {
		after = append(after[:room-1:room-1], '…')
	}
	return "  " + string(before) + string(after) + "\n  " + strings.Repeat(" ", len(before)) + "^\n"
}

var stateField = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_.-])state[ \t]*=?`)

// headerSource masks from each state to the next ";"; and if there was one before
// something that is no field at all, then that too, since it may belong to it.
func headerSource(text string) source {
	return source{text, func(text string, err *replay.SyntaxError) string {
		b := []byte(text)
		for _, found := range stateField.FindAllStringIndex(text, -1) {
			end := len(text)
			if n := strings.IndexByte(text[found[1]:], ';'); n >= 0 {
				end = found[1] + n
			}
			if err.Field == "" && found[0] < err.Offset {
				end = len(text)
			}
			mask(b[found[1]:end])
		}
		return string(b)
	}}
}

var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*(?:"\s*:|"|\\?$)`)

// jsonSource masks the text of every value but the one that is wrong, and of that
// if it may be a secret. What follows a place that is not JSON could be anything.
func jsonSource(text string) source {
	return source{text, func(text string, err *replay.SyntaxError) string {
		b := []byte(text)
		secret := err.Field == "" || err.Field == "state" || strings.HasSuffix(err.Field, ".value")
		for _, found := range jsonString.FindAllStringIndex(text, -1) {
			if isName := b[found[1]-1] == ':'; !isName && (secret || found[0] != err.Offset) {
				mask(b[found[0]+1 : found[1]])
			}
		}
		if err.Field == "" && err.Offset < len(b) {
			mask(b[err.Offset+1:])
		}
		return string(b)
	}}
}

// mask hides all but the quotes and the ends of lines.
func mask(b []byte) {
	for i, c := range b {
		if c != '"' && c != '\n' && c != '\r' {
			b[i] = '*'
		}
	}
}
