package sqlite

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// capture is all we know of Litestream. Its Open is not called: it insists on
// a remote replica, and only starts a monitor, which is primary.run here.
type capture struct{ db *litestream.DB }

// metaDir is where a primary keeps its captured changes.
func metaDir(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-homing")
}

func newCapture(path string, log *slog.Logger) *capture {
	db := litestream.NewDB(path)
	// Not Litestream's own folder: a Litestream of the user's may have one there.
	db.SetMetaPath(metaDir(path))
	db.SetLogger(slog.New(warnings{log.Handler()}))
	return &capture{db: db}
}

// sync captures all that is committed, and returns the number of the newest LTX
// file.
func (c *capture) sync(ctx context.Context) (uint64, error) {
	if err := c.db.Sync(ctx); err != nil {
		return 0, err
	}
	return c.newest()
}

// newest returns the number of the newest LTX file; 0 before the first.
func (c *capture) newest() (uint64, error) {
	pos, err := c.db.Pos()
	return uint64(pos.TXID), err
}

// changed returns a channel that is closed when the next LTX file is there.
func (c *capture) changed() <-chan struct{} { return c.db.Notify() }

// dir is where the LTX files are.
func (c *capture) dir() string { return c.db.LTXLevelDir(0) }

// open opens an LTX file. One that was pruned is fs.ErrNotExist.
func (c *capture) open(n uint64) (*os.File, error) {
	return os.Open(c.db.LTXPath(0, ltx.TXID(n), ltx.TXID(n)))
}

// snapshot returns the whole database as an LTX file, and the number it stands
// at. Checkpoints are off until it is read or closed.
func (c *capture) snapshot(ctx context.Context) (uint64, io.ReadCloser, error) {
	pos, r, err := c.db.SnapshotReader(ctx)
	return uint64(pos.TXID), r, err
}

// close captures what was committed since, and lets go of the database.
func (c *capture) close() error { return c.db.Close(context.Background()) }

// warnings passes on what says that something is wrong; Litestream reports each
// checkpoint otherwise.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }
