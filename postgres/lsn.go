package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"homing/position"
)

// lsn is a place in the write-ahead log. It is written as PostgreSQL writes it,
// "16/B374D848".
type lsn uint64

func parseLSN(s string) (lsn, error) {
	high, low, ok := strings.Cut(s, "/")
	h, err1 := strconv.ParseUint(high, 16, 32)
	l, err2 := strconv.ParseUint(low, 16, 32)
	if !ok || err1 != nil || err2 != nil || s != strings.ToUpper(s) {
		return 0, fmt.Errorf("%w: %.40q is no LSN", ErrPosition, s)
	}
	return lsn(h<<32 | l), nil
}

func (l lsn) position() position.Position {
	return position.Position(fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)))
}

// covers reports whether a database at have has everything that want names.
func covers(have, want position.Position) bool {
	if want == "" {
		return true
	}
	if b, err := parseBeat(string(want)); err == nil {
		has, err := parseBeat(string(have))
		return err == nil && has.covers(b)
	}
	h, err1 := parseLSN(string(have))
	w, err2 := parseLSN(string(want))
	return err1 == nil && err2 == nil && h >= w
}

// The write-ahead log comes in pages of this size, each of which begins with a short
// or, at the start of a segment, a long header.
const (
	walPage     = 8192
	shortHeader = 24
	longHeader  = 40
)

// begun is the place that an insert position stands for: right behind a page's header
// nothing has been written to the page yet, and no replica gets there while the
// primary is idle.
func (l lsn) begun() lsn {
	if at := l % walPage; at == shortHeader || at == longHeader {
		return l - at
	}
	return l
}
