package sqlite

import (
	"cmp"
	"os"
	"slices"
	"time"

	"github.com/superfly/ltx"
)

// How many captured changes are kept for replicas that were away. One that was
// away for longer gets a snapshot, which is cheaper by then.
const (
	keepFiles  = 10_000
	keepBytes  = 256 << 20
	pruneEvery = 10 * time.Second
)

func (p *primary) pruneNowAndThen() {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.life.Done():
			return
		case <-tick.C:
			if err := p.prune(keepFiles, keepBytes); err != nil {
				p.log.Warn("old changes cannot be removed", "err", err)
			}
		}
	}
}

// prune removes the oldest changes until both limits are met, but never the
// newest, which the capture compares with the WAL, and none that a connected
// replica is still to read.
func (p *primary) prune(maxFiles int, maxBytes int64) error {
	files, err := ltxFiles(p.capture.dir())
	if err != nil {
		return err
	}
	wanted := p.oldestPin()
	var kept int
	var bytes int64
	for i, f := range files {
		kept++
		bytes += f.size
		if i == 0 || f.n >= wanted || kept <= maxFiles && bytes <= maxBytes {
			continue
		}
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

type ltxFile struct {
	n    uint64
	path string
	size int64
}

// ltxFiles lists a folder, newest first.
func ltxFiles(dir string) ([]ltxFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []ltxFile
	for _, e := range entries {
		_, n, err := ltx.ParseFilename(e.Name())
		if err != nil {
			continue
		}
		if info, err := e.Info(); err == nil {
			files = append(files, ltxFile{n: uint64(n), path: dir + "/" + e.Name(), size: info.Size()})
		}
	}
	slices.SortFunc(files, func(a, b ltxFile) int { return cmp.Compare(b.n, a.n) })
	return files, nil
}

// pin keeps the changes from *next on. The follower raises it as it reads, under
// p.mu.
func (p *primary) pin(next *uint64) (unpin func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pins[next] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.pins, next)
	}
}

func (p *primary) oldestPin() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := ^uint64(0)
	for next := range p.pins {
		oldest = min(oldest, *next)
	}
	return oldest
}
