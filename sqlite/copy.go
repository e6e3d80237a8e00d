package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/superfly/ltx"
)

const (
	// trimAbove is how large the copy's WAL may get before it is cut off, and
	// trimEvery how often that is tried: readers may prevent it.
	trimAbove = 8 << 20
	trimEvery = time.Second
)

// copyFile is a replica's database file, and its only writer. Pages are written
// through sqlite_dbpage, in transactions like any others: readers see all of a
// change or nothing, and none of them is locked out.
type copyFile struct {
	path     string
	files    inodes  // what db has open
	db       *sql.DB // nil: there is no usable file
	conn     *sql.Conn
	write    *sql.Stmt
	pages    uint32
	pageSize uint32
	trimmed  time.Time
}

// The copy's statements run without a context that can end: each is short, and
// half a change is rolled back anyway.
var always = context.Background()

// open opens a file that exists.
func (c *copyFile) open() error {
	c.db = sql.OpenDB(connector(dsn(c.path, "mode=rw", "_pragma=synchronous(normal)")))
	if err := c.prepare(); err != nil {
		c.close()
		return err
	}
	return nil
}

func (c *copyFile) prepare() (err error) {
	if c.conn, err = c.db.Conn(always); err != nil {
		return err
	}
	var mode string
	ask := func(q string, to any) {
		err = errors.Join(err, c.conn.QueryRowContext(always, q).Scan(to))
	}
	ask("PRAGMA page_size", &c.pageSize)
	ask("PRAGMA page_count", &c.pages)
	ask("PRAGMA journal_mode", &mode)
	if err == nil && mode != "wal" {
		err = fmt.Errorf("journal mode %s, not wal", mode)
	}
	if err != nil {
		return err
	}
	// Not before: the first read makes the WAL.
	if c.files, err = inodesOf(c.path); err != nil {
		return err
	}
	c.write, err = c.conn.PrepareContext(always, "INSERT INTO sqlite_dbpage (pgno, data) VALUES (?, ?)")
	return err
}

// replace takes over a snapshot: as a change if there is a file, since its
// readers must keep theirs, else as a new file.
func (c *copyFile) replace(r io.Reader, number uint64) error {
	if c.db != nil {
		return c.apply(r, number, checkSnapshot)
	}
	if err := c.create(r, number); err != nil {
		return err
	}
	return c.open()
}

// change applies what happened between two numbers.
func (c *copyFile) change(r io.Reader, number uint64) error { return c.apply(r, number, checkChange) }

// apply writes one LTX file in one transaction, if its header passes check.
func (c *copyFile) apply(r io.Reader, number uint64, check headerCheck) error {
	if _, err := c.conn.ExecContext(always, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	pages, err := c.writePages(r, number, check)
	if err == nil {
		_, err = c.conn.ExecContext(always, "COMMIT")
	}
	if err != nil {
		// After a full disk and the like SQLite has done so itself.
		_, _ = c.conn.ExecContext(always, "ROLLBACK")
		return err
	}
	c.pages = pages
	return nil
}

func (c *copyFile) writePages(r io.Reader, number uint64, check headerCheck) (pages uint32, err error) {
	begin := func(hdr ltx.Header) error {
		if hdr.PageSize != c.pageSize {
			return fmt.Errorf("the primary's pages have %d bytes and those of %s have %d: remove that file and start again", hdr.PageSize, c.path, c.pageSize)
		}
		return check(hdr, number)
	}
	hdr, err := readLTX(r, begin, func(pgno uint32, data []byte) error {
		_, err := c.write.ExecContext(always, pgno, data)
		return err
	})
	if err == nil && hdr.Commit < c.pages {
		// NULL cuts the file off before that page. It must come last.
		_, err = c.write.ExecContext(always, hdr.Commit+1, nil)
	}
	return hdr.Commit, err
}

// create writes a snapshot next to the file and renames it into place.
func (c *copyFile) create(r io.Reader, number uint64) error {
	tmp := c.path + "-homing.tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) // after a failure
	err = writeImage(f, r, number)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// SQLite would replay a WAL of the file before into the new one.
	for _, name := range []string{c.path, c.path + "-wal", c.path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(tmp, c.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(c.path))
}

func writeImage(f *os.File, r io.Reader, number uint64) error {
	var size int64
	hdr, err := readLTX(r, func(hdr ltx.Header) error {
		size = int64(hdr.PageSize)
		return checkSnapshot(hdr, number)
	}, func(pgno uint32, data []byte) error {
		_, err := f.WriteAt(data, int64(pgno-1)*size)
		return err
	})
	if err != nil {
		return err
	}
	return f.Truncate(int64(hdr.Commit) * size)
}

// headerCheck says whether an LTX file is what its frame announced.
type headerCheck func(hdr ltx.Header, number uint64) error

func checkSnapshot(hdr ltx.Header, number uint64) error {
	return checkRange(hdr, 1, number)
}

func checkChange(hdr ltx.Header, number uint64) error {
	return checkRange(hdr, number, number)
}

func checkRange(hdr ltx.Header, from, to uint64) error {
	if uint64(hdr.MinTXID) != from || uint64(hdr.MaxTXID) != to {
		return fmt.Errorf("%w: changes %s to %s, announced as %s to %s", errCorrupt, hdr.MinTXID, hdr.MaxTXID, ltx.TXID(from), ltx.TXID(to))
	}
	return nil
}

// trim cuts off a WAL that has grown, without waiting for readers: as long as one
// looks at an old state, SQLite keeps the WAL and says that it is busy.
func (c *copyFile) trim() {
	info, err := os.Stat(c.path + "-wal")
	if err != nil || info.Size() < trimAbove || time.Since(c.trimmed) < trimEvery {
		return
	}
	c.trimmed = time.Now()
	c.checkpoint()
}

func (c *copyFile) checkpoint() {
	for _, q := range []string{"PRAGMA busy_timeout(50)", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout(5000)"} {
		_, _ = c.conn.ExecContext(always, q) // another time, then
	}
}

// close writes the WAL back, if no reader prevents it, and closes the file.
func (c *copyFile) close() error {
	if c.db == nil {
		return nil
	}
	var errs []error
	if c.write != nil {
		c.checkpoint()
		errs = append(errs, c.write.Close())
	}
	if c.conn != nil {
		errs = append(errs, c.conn.Close())
	}
	errs = append(errs, c.db.Close())
	*c = copyFile{path: c.path}
	return errors.Join(errs...)
}
