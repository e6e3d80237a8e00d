package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"homing/position"
)

// beat is a position where a table stands for the log: the nth beat, made by a server
// in one run of it. It is written "17@1790000000123456". Beats of different runs are
// not compared: a replica may have followed a server further than the one that was
// promoted after it, and has the numbers without what they stand for now.
type beat struct {
	n      int64
	server int64 // when its run began, in microseconds since 1970; 0: none has beaten yet
}

func parseBeat(s string) (beat, error) {
	n, server, _ := strings.Cut(s, "@")
	number, err1 := strconv.ParseInt(n, 10, 64)
	run, err2 := strconv.ParseInt(server, 10, 64)
	b := beat{number, run}
	if err1 != nil || err2 != nil || number < 0 || run < 0 || s != string(b.position()) {
		return beat{}, fmt.Errorf("%w: %.40q is no beat", ErrPosition, s)
	}
	return b, nil
}

func (b beat) position() position.Position {
	return position.Position(strconv.FormatInt(b.n, 10) + "@" + strconv.FormatInt(b.server, 10))
}

func (b beat) covers(want beat) bool { return b.server == want.server && b.n >= want.n }

// check returns an error for what is no position.
func check(p position.Position) error {
	if _, err := parseBeat(string(p)); err == nil {
		return nil
	}
	_, err := parseLSN(string(p))
	return err
}
