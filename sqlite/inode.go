package sqlite

import (
	"errors"
	"io/fs"
	"os"
)

// ErrRemoved is in Status.Err, and returned by Position, when the database's file
// or its WAL was removed, moved or replaced while it was open, as by an "rm -rf"
// of its folder. Connections that are open go on with what has no name any more,
// and new ones fail or see something else: what is written from then on is lost.
// It ends when the files are back in their place, or with a restart.
var ErrRemoved = errors.New("the database was removed or replaced while it was open; put it back, or start again")

// inodes remembers which files a database's names stood for. SQLite keeps both as
// long as a connection is open.
type inodes []inode

type inode struct {
	path string
	info fs.FileInfo
}

func inodesOf(path string) (list inodes, err error) {
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		list = append(list, inode{name, info})
	}
	return list, nil
}

// check returns ErrRemoved if a name stands for another file now, or for none.
// SQLite's own errors lead astray then ("disk I/O error"), if there are any.
func (list inodes) check() error {
	for _, i := range list {
		now, err := os.Stat(i.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return ErrRemoved
		case err != nil:
			return err
		case !os.SameFile(now, i.info):
			return ErrRemoved
		}
	}
	return nil
}
