package position

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// MaxTokenLen is the longest token, in bytes, that is written or read.
const MaxTokenLen = 512

// windowEngine stands in the engine's place of a token that names a time.
const windowEngine = "window"

// Token is what a client carries from a write to its next read: either a
// position that a reader must have reached, or a time until which its reads
// belong at the primary. The zero value asks for nothing.
type Token struct {
	Engine   string
	Epoch    Epoch
	Position Position

	// HomeUntil is set instead of the other fields where no position could be
	// read. It has millisecond precision.
	HomeUntil time.Time
}

// Errors of reading and writing tokens; compare with [errors.Is].
var (
	// ErrMalformed: not a token at all, or from a version we do not know.
	ErrMalformed = errors.New("malformed token")
	// ErrForged: not signed by one of our keys.
	ErrForged = errors.New("token not signed by a known key")
	// ErrTooLong: the token would be longer than MaxTokenLen.
	ErrTooLong = errors.New("token too long")
)

// IsWindow reports whether the token names a time and not a position.
func (t Token) IsWindow() bool { return !t.HomeUntil.IsZero() }

// writable reports whether decodeToken reads back what encode writes.
func (t Token) writable() bool {
	if t.IsWindow() {
		return t.HomeUntil.UnixMilli() > 0
	}
	return t.Engine != "" && t.Engine != windowEngine && t.Position != ""
}

// encode writes all but the signature.
func (t Token) encode() string {
	var b strings.Builder
	b.Grow(64) // most tokens
	b.WriteString("1.")
	if t.IsWindow() {
		b.WriteString(windowEngine + "..")
		b.WriteString(strconv.FormatInt(t.HomeUntil.UnixMilli(), 10))
		return b.String()
	}
	writeField(&b, t.Engine)
	b.WriteByte('.')
	writeField(&b, string(t.Epoch))
	b.WriteByte('.')
	writeField(&b, string(t.Position))
	return b.String()
}

// decodeToken reads what encode wrote.
func decodeToken(s string) (Token, error) {
	version, rest, _ := strings.Cut(s, ".")
	engine, rest, ok1 := strings.Cut(rest, ".")
	epoch, pos, ok2 := strings.Cut(rest, ".")
	if version != "1" || !ok1 || !ok2 || engine == "" || pos == "" {
		return Token{}, ErrMalformed
	}
	if engine == windowEngine {
		ms, err := strconv.ParseInt(pos, 10, 64)
		if err != nil || epoch != "" || ms <= 0 || strconv.FormatInt(ms, 10) != pos {
			return Token{}, ErrMalformed
		}
		return Token{HomeUntil: time.UnixMilli(ms)}, nil
	}
	var fields [3]string
	for i, text := range [...]string{engine, epoch, pos} {
		var err error
		if fields[i], err = readField(text); err != nil {
			return Token{}, err
		}
	}
	return Token{Engine: fields[0], Epoch: Epoch(fields[1]), Position: Position(fields[2])}, nil
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '~' || c == ':'
}

// hexDigits are those that a field is written with.
const hexDigits = "0123456789ABCDEF"

func writeField(b *strings.Builder, s string) {
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			b.WriteByte('%')
			b.WriteByte(hexDigits[s[i]>>4])
			b.WriteByte(hexDigits[s[i]&0xF])
		}
	}
}

// readField undoes writeField and accepts nothing that it would not have
// written, so that one token has one spelling.
func readField(s string) (string, error) {
	clean := true
	for i := range len(s) {
		if !plain(s[i]) {
			clean = false
			break
		}
	}
	if clean {
		return s, nil // the usual case, without a copy
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if plain(s[i]) {
			b.WriteByte(s[i])
			continue
		}
		if s[i] != '%' || i+2 >= len(s) {
			return "", ErrMalformed
		}
		high, low := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if high < 0 || low < 0 || plain(byte(high<<4|low)) {
			return "", ErrMalformed
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), nil
}
