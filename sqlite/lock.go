package sqlite

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrInUse is returned by Open for a file that another DB has open, in this
// process or in another one. Two primaries would remove each other's captured
// changes, and two replicas replace each other's file under its readers.
var ErrInUse = errors.New("the database is open already, here or in another process")

// lockPatience is how long Open waits for the one before to close the file: in a
// restart the two may overlap.
const lockPatience = 2 * time.Second

// fileLock keeps a file to one DB. The system ends it with the process, however
// that ends.
type fileLock struct{ f *os.File }

// lockFile is a file of its own: locks on the database's would get in the way of
// SQLite's. It is never removed, since whoever opened it before would then lock
// one that nobody else finds.
func lockFile(path string) string { return path + "-homing.lock" }

// takeLock locks path for one DB. Where there can be no such lock (the folder is
// missing, the file system or the system has none) it holds nothing, and Open's
// next step says what is wrong.
func takeLock(ctx context.Context, path string) (fileLock, error) {
	f, err := os.OpenFile(lockFile(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fileLock{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for isLocked(f) {
		select {
		case <-again.C:
		case <-ctx.Done():
			f.Close()
			return fileLock{}, ErrInUse
		}
	}
	return fileLock{f}, nil
}

func (l fileLock) release() {
	if l.f != nil {
		l.f.Close()
	}
}
