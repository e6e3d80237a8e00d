package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"homing/position"
)

// ErrPosition says that a position was not written by this engine. Compare with
// [errors.Is].
var ErrPosition = errors.New("not a position of a SQLite database")

// formatTXID writes a position: 16 digits, so that the order of the texts is the
// order of the numbers.
func formatTXID(n uint64) position.Position {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return position.Position(hex.EncodeToString(b[:]))
}

// checkPosition accepts the zero position and what formatTXID writes.
func checkPosition(p position.Position) error {
	if p == "" {
		return nil
	}
	_, err := parseTXID(string(p))
	return err
}

// parseTXID does not allocate unless it fails.
func parseTXID(s string) (uint64, error) {
	if len(s) != 16 {
		return 0, badPosition(s)
	}
	var n uint64
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			n = n<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, badPosition(s)
		}
	}
	return n, nil
}

func badPosition(s string) error {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return fmt.Errorf("%q: %w; want 16 lower-case hexadecimal digits", s, ErrPosition)
}

// covers compares two positions that were checked. A replica without data is at
// "" and covers none.
func covers(have, want position.Position) bool { return have >= want }
