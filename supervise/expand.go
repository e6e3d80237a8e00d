package supervise

import (
	"fmt"
	"regexp"
	"strings"
)

// Values are what placeholders stand for, by name: {port} is the value of "port". What
// Homing gives are "port", "region", "machine" and "dir". A name is of the letters
// a to z.
type Values map[string]string

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// Expand puts the values into text as they are: for a variable, or one argument. Braces
// around anything else stay.
func (v Values) Expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, ok := v.value(found); ok {
			return value
		}
		return found
	})
}

// value returns that of a placeholder with its braces.
func (v Values) value(found string) (value string, ok bool) {
	value, ok = v[found[1:len(found)-1]]
	return value, ok
}

// ExpandShell puts the values into text for sh. Each stays one word, or a part of one,
// and nothing in it is run, be it bare, in single or double quotes, or in $( ). A
// variable of the shell, ${word}, stays, and so does what is in a comment or comes
// after a backslash. The error says which placeholder stands where a value with special
// characters cannot be put safely: between backticks, and in text that has a
// here-document, $'…' or case in it.
func (v Values) ExpandShell(text string) (string, error) {
	var out strings.Builder
	var at place
	rest := text
	for {
		span := placeholder.FindStringIndex(rest)
		if span == nil {
			out.WriteString(rest)
			return out.String(), nil
		}
		before, found := rest[:span[0]], rest[span[0]:span[1]]
		out.WriteString(before)
		at.pass(before)
		rest = rest[span[1]:]
		value, ok := v.value(found)
		if !ok || at.escape || at.dollar || at.has(comment) {
			out.WriteString(found)
			at.pass(found)
			continue
		}
		if !harmless(value) && (at.has(backtick) || unclear.MatchString(text)) {
			return "", fmt.Errorf("supervise: %s stands where %q cannot be put safely; take a variable there, or $( ) for backticks", found, value)
		}
		out.WriteString(at.quote(value))
		at.begun = true
	}
}

// unclear is what place does not follow.
var unclear = regexp.MustCompile(`<<|\$'|\bcase\b`)

// harmless reports whether a value means itself wherever it stands.
func harmless(value string) bool {
	return value != "" && strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-") == ""
}

// place is where in shell text we are (POSIX.1-2024, Shell & Utilities 2.2, 2.3): what
// surrounds us, from the outside in. Empty: bare text.
type place struct {
	within []byte
	begun  bool // a word has begun, so that # is no comment
	escape bool // a backslash came just before
	dollar bool // likewise a $
}

const (
	single   = '\''
	double   = '"'
	backtick = '`'
	bracket  = '('
	comment  = '#'
)

func (p *place) inner() byte {
	if len(p.within) == 0 {
		return 0
	}
	return p.within[len(p.within)-1]
}

func (p *place) has(c byte) bool { return strings.IndexByte(string(p.within), c) >= 0 }

func (p *place) push(c byte) { p.within = append(p.within, c) }

func (p *place) pop() { p.within = p.within[:len(p.within)-1] }

// pass goes on past text.
func (p *place) pass(text string) {
	for i := range len(text) {
		c, escaped, dollar := text[i], p.escape, p.dollar
		p.escape, p.dollar = false, false
		switch p.inner() {
		case single:
			if c == single {
				p.pop()
			}
		case comment:
			if c == '\n' {
				p.pop()
			}
		default:
			if !escaped {
				p.read(c, dollar)
			}
		}
		if !p.escape && !(escaped && c == '\n') { // these two go, and nothing is between
			p.begun = escaped || !strings.ContainsRune(" \t\n;&|()`", rune(c))
		}
	}
}

// read takes a character that is not escaped, bare or in double quotes.
func (p *place) read(c byte, dollar bool) {
	quoted := p.inner() == double
	switch {
	case c == '\\':
		p.escape = true
	case c == '$':
		p.dollar = true
	case c == bracket && (dollar || !quoted):
		p.push(bracket)
	case c == backtick && p.has(backtick):
		p.within = p.within[:strings.LastIndexByte(string(p.within), backtick)]
	case c == backtick:
		p.push(backtick)
	case c == double && quoted:
		p.pop()
	case c == double:
		p.push(double)
	case quoted:
	case c == single:
		p.push(single)
	case c == ')' && p.inner() == bracket:
		p.pop()
	case c == comment && !p.begun:
		p.push(comment)
	}
}

// quote writes a value so that it means itself where we are.
func (p *place) quote(value string) string {
	if harmless(value) {
		return value
	}
	inQuotes := strings.ReplaceAll(value, "'", `'\''`)
	switch p.inner() {
	case single:
		return inQuotes
	case double:
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(value)
	}
	return "'" + inQuotes + "'"
}
