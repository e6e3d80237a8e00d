package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"homing/position"
)

// mark says what a replica's file is at. It exists only while the replica is
// closed: a crash leaves none, and what the file is at is then not known.
type mark struct {
	epoch   position.Epoch
	applied uint64
}

func markFile(path string) string { return path + "-homing" }

// markText also names the file's size and time of change, so that a file that
// somebody wrote to meanwhile, or replaced, is not continued.
func markText(path string, m mark) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return "", errors.New("the WAL has not been written back")
	}
	return fmt.Sprintf("1 %s %s %d %d\n", m.epoch, formatTXID(m.applied), info.Size(), info.ModTime().UnixNano()), nil
}

func putMark(path string, m mark) error {
	text, err := markText(path, m)
	if err != nil {
		return nil // no mark, a snapshot next time
	}
	return writeFile(markFile(path), []byte(text))
}

// takeMark removes the mark, and returns it if it still holds.
func takeMark(path string) (mark, bool) {
	text, err := os.ReadFile(markFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, false
	}
	if os.Remove(markFile(path)) != nil || syncDir(filepath.Dir(path)) != nil || err != nil {
		return mark{}, false // it might be found again later, and not hold then
	}
	var m mark
	var number string
	var size, changed int64
	if _, err := fmt.Sscanf(string(text), "1 %s %s %d %d\n", &m.epoch, &number, &size, &changed); err != nil {
		return mark{}, false
	}
	if m.applied, err = parseTXID(number); err != nil {
		return mark{}, false
	}
	now, err := markText(path, m)
	return m, err == nil && now == string(text) && validEpoch(string(m.epoch))
}
