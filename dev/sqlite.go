package dev

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"homing"
	"homing/dev/link"
	"homing/machine"
	"homing/region"
	"homing/sqlite"
)

// files are SQLite databases: each replica reads the primary's feed over a link of
// its own.
type files struct {
	world *World
	at    map[region.Code]*file // complete once made

	mu   sync.Mutex
	feed string // where the primary serves its feed, or did last
}

// file is one region's.
type file struct {
	region region.Code
	// feed is the way from the primary's database to this one; nil at the primary.
	feed *link.Link
}

func newFiles(w *World) *files {
	s := &files{world: w, at: make(map[region.Code]*file), feed: anyPort}
	for _, r := range w.cfg.Regions {
		f := &file{region: r}
		if r != s.home() {
			f.feed = link.New(w.cfg.Distances(s.home(), r) / 2)
		}
		s.at[r] = f
	}
	return s
}

func (s *files) home() region.Code { return s.world.cfg.Primary }

func (s *files) path(r region.Code) string { return filepath.Join(s.world.cfg.Dir, string(r)+".db") }

// locate tells where a region's file is. An app that writes to it is followed within a
// second; only that of the primary's region may be written to.
func (s *files) locate(r region.Code) []string {
	path := s.path(r)
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return []string{"DATABASE_PATH=" + path, "DATABASE_URL=sqlite:///" + path}
}

func (s *files) open(ctx context.Context, r region.Code) (Database, error) {
	f, w := s.at[r], s.world
	cfg := sqlite.Config{
		Path: s.path(r), Role: machine.Primary,
		Secret: w.secret, Logger: w.cfg.Logger.With("region", r),
	}
	if r != s.home() {
		cfg.Role, cfg.Feed = machine.Replica, "http://"+string(s.home())
		cfg.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return f.feed.Dial(ctx, network, s.feedAddr())
		}
	}
	db, err := sqlite.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	opened := &openFile{DB: db, files: s, file: f}
	if r == s.home() {
		if err := opened.serve(); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return opened, nil
}

func (s *files) hold(r region.Code, on bool) error {
	feed := s.at[r].feed
	switch {
	case feed == nil:
		return errAtHome(r)
	case on:
		feed.Hold()
	default:
		feed.Release()
	}
	return nil
}

func (s *files) held(r region.Code) bool {
	feed := s.at[r].feed
	return feed != nil && feed.Held()
}

func (s *files) reach(r region.Code, ok bool) {
	if ok {
		s.at[r].feed.Mend()
	} else {
		s.at[r].feed.Cut()
	}
}

func (s *files) catchUp(ctx context.Context) error {
	return waitFor(ctx, s.home(), s.world.Database, s.world.receiving())
}

func (s *files) close() error {
	for _, f := range s.at {
		if f.feed != nil {
			f.feed.Close()
		}
	}
	return nil
}

// openFile is a file that is open, and on the primary the server of its feed.
type openFile struct {
	*sqlite.DB
	files  *files
	file   *file
	server *server // nil on a replica
}

func (o *openFile) serve() error {
	l, err := o.files.listen()
	if err != nil {
		return err
	}
	o.server = &server{&http.Server{Handler: o.Feed(), ReadHeaderTimeout: 10 * time.Second}, l}
	go o.server.Serve(l) //nolint:errcheck // it ends when Close closes it
	return nil
}

func (o *openFile) Opened() homing.Database { return o.DB }

func (o *openFile) Close() error {
	if o.server != nil {
		o.server.end()
	}
	return o.DB.Close()
}

func (o *openFile) Look() Look {
	st := o.Status()
	l := Look{State: st.State, Position: st.Position, Waiting: st.Waiting, Lag: st.Lag, Bytes: -1, Problem: st.Err}
	home, _ := o.files.world.Database(o.files.home()).(*openFile)
	switch {
	case home != nil:
		l.Behind = st.Position < home.Status().Position // these positions sort as text
	case st.Err != nil: // all that a replica knows of its feed is an address
		l.Problem = errors.New("cannot reach " + o.files.home().City() + ", and tries again")
	}
	return l
}

// listen opens the primary's feed.
func (s *files) listen() (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := listen(s.feed)
	if err == nil {
		s.feed = l.Addr().String()
	}
	return l, err
}

func (s *files) feedAddr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feed
}
