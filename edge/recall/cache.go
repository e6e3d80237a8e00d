package recall

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"homing/machine"
	"homing/region"
	"homing/replay"
)

// Entry is one replay that is kept. It never changes.
type Entry struct {
	// Replay says where the requests go. Only its places and its app are kept: one
	// that says more is not for the cache, see [replay.Instruction.Cacheable].
	Replay replay.Instruction
	// Origin is the machine that asked for it.
	Origin machine.ID
	// TTL is how long it is kept.
	TTL time.Duration
	// AllowBypass lets clients skip it.
	AllowBypass bool

	key key
}

// Cache keeps replays. Create it with [New]. Safe for concurrent use. It has no
// goroutine of its own, and need not be closed.
type Cache struct {
	entries *otter.Cache[key, *Entry]
}

// New returns an empty cache that holds about so many bytes at most, and so one entry
// for each 640 of them.
func New(bytes int64) *Cache {
	return &Cache{entries: otter.Must(&otter.Options[key, *Entry]{
		MaximumWeight:    uint64(max(1, bytes)),
		Weigher:          func(_ key, e *Entry) uint32 { return e.weight() },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[key, *Entry]) time.Duration { return e.Value.TTL }),
		Clock:            clock{time.Now()},
	})}
}

// IsEmpty reports whether nothing is kept, and nothing to be found.
func (c *Cache) IsEmpty() bool { return c.entries.EstimatedSize() == 0 }

// Find returns what is kept for a request: of the longest path, and of the session
// before that of all. nil: nothing is.
func (c *Cache) Find(r Request) *Entry {
	if r.Path == "" || c.IsEmpty() {
		return nil
	}
	var own *Entry
	if k, ok := r.sessionKey(); ok {
		own, _ = c.entries.GetIfPresent(k)
	}
	for path := deepest(r.Path); path != ""; path = above(path) {
		if own != nil && len(path) <= len(own.key.path) {
			break
		}
		if e, ok := c.entries.GetIfPresent(r.pathKey(path)); ok {
			return e
		}
	}
	return own
}

// errLong is returned for a path that Find does not look for.
var errLong = fmt.Errorf("its path has more than %d segments or %d bytes", maxSegments, maxPath)

// KeepPath keeps a replay for all requests below a path, the request's own or one
// above it. The error says why it cannot.
func (c *Cache) KeepPath(r Request, path string, e Entry) error {
	if r.Path == "" {
		return errors.New("the request has no path to keep it under")
	}
	if !short(path) {
		return errLong
	}
	c.keep(r.pathKey(path), e)
	return nil
}

// KeepSession keeps a replay for the request's session; not if there is none.
func (c *Cache) KeepSession(r Request, e Entry) {
	if k, ok := r.sessionKey(); ok {
		c.keep(k, e)
	}
}

// keep copies what it keeps: parts of a request's head would hold all of it.
func (c *Cache) keep(k key, e Entry) {
	k.app, k.host, k.path = clone(k.app), clone(k.host), clone(k.path)
	in := &e.Replay
	e.Replay = replay.Instruction{
		Regions: cloneAll(in.Regions), Instance: clone(in.Instance), PreferInstance: clone(in.PreferInstance), App: clone(in.App),
	}
	e.Origin, e.key = clone(e.Origin), k
	c.entries.Set(k, &e)
}

// Drop forgets an entry that was found, unless another has taken its place.
func (c *Cache) Drop(e *Entry) {
	c.entries.ComputeIfPresent(e.key, func(now *Entry) (*Entry, otter.ComputeOp) {
		if now == e {
			return nil, otter.InvalidateOp
		}
		return nil, otter.CancelOp
	})
}

// Forget forgets all that Find could find for a request.
func (c *Cache) Forget(r Request) {
	if k, ok := r.sessionKey(); ok {
		c.entries.Invalidate(k)
	}
	for path := deepest(r.Path); path != ""; path = above(path) {
		c.entries.Invalidate(r.pathKey(path))
	}
}

// Size returns how many entries are held, and about how many bytes they are. Those
// whose time is up may still be among them.
func (c *Cache) Size() (entries int, bytes int64) {
	bytes = int64(c.entries.WeightedSize()) // what is over the limit goes first
	return c.entries.EstimatedSize(), bytes
}

// fixed is what an entry takes whatever is in it: its own fields, its key twice, and
// what the cache notes about it. Measured are 580 bytes.
const fixed = 640

func (e *Entry) weight() uint32 {
	n := fixed + len(e.key.app) + len(e.key.host) + len(e.key.path) + len(e.Origin)
	n += len(e.Replay.Instance) + len(e.Replay.PreferInstance) + len(e.Replay.App)
	for _, r := range e.Replay.Regions {
		n += 16 + len(r)
	}
	return uint32(n) // heads are bounded, so this is far from the end of 32 bits
}

func clone[S ~string](s S) S { return S(strings.Clone(string(s))) }

func cloneAll(regions []region.Code) []region.Code {
	all := slices.Clone(regions)
	for i := range all {
		all[i] = clone(all[i])
	}
	return all
}

// clock counts from when it was made, so that setting the computer's clock makes
// nothing older. It does not tick: entries whose time is up are not found, and are
// removed when others come.
type clock struct{ start time.Time }

func (c clock) NowNano() int64                    { return int64(time.Since(c.start)) }
func (clock) Tick(time.Duration) <-chan time.Time { return nil }
