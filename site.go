package homing

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"homing/homeward"
	"homing/position"
)

// positionTimeout bounds reading the primary's position after a write. When it
// has passed, the client gets a time instead of a position.
const positionTimeout = time.Second

// Site decides where the requests of one app are answered, in one process of it.
// Several can live in one process. Create it with [New]. Safe for concurrent use.
type Site struct {
	cfg    Config
	keys   position.Keys
	routes routes
	share  share
	way    *homeward.Way // nil: requests go home by a replay, or not at all

	mu   sync.Mutex
	told map[string]bool // what the log has said already

	observer *observer // nil: nothing is observed

	place atomic.Pointer[place]   // where an edge last said that the primary is
	kept  atomic.Pointer[keeping] // for how long connections are
}

// New returns a site. It succeeds while the database cannot be reached; requests
// then go home. The error joins all that is wrong with cfg.
func New(cfg Config) (*Site, error) {
	cfg, keys, settings, err := cfg.resolve()
	if cfg.Mode == Off {
		cfg.Logger.Info("homing: switched off, so every request is passed through")
		return &Site{cfg: cfg}, nil
	}
	rt, rerr := newRoutes(cfg.WriteRoutes, cfg.ReadRoutes, cfg.Names)
	if err := errors.Join(err, rerr); err != nil {
		return nil, err
	}
	s := &Site{cfg: cfg, keys: keys, routes: rt, told: map[string]bool{}}
	switch {
	case cfg.Mode == Observe:
		s.observer = newObserver(cfg)
		cfg.Logger.Info("homing: observing, so every request is passed through and counted")
	case s.off():
		cfg.Logger.Debug("homing: no region is configured, so every request is passed through")
	default:
		if s.way, err = s.newWay(); err != nil {
			return nil, err
		}
		cfg.Logger.Info("homing: deciding", logArgs(settings)...)
	}
	return s, nil
}

// off reports whether nothing is decided: no region is configured, or the mode says so.
func (s *Site) off() bool { return s.cfg.Region == "" || s.cfg.Mode != On }

// Handler returns a handler that decides, and calls next for what is served
// here. Without regions, and in the mode [Off], it returns next itself. What next needs of a
// [http.ResponseWriter] works as usual, through [http.ResponseController] too.
func (s *Site) Handler(next http.Handler) http.Handler {
	switch {
	case s.observer != nil:
		return s.observe(next)
	case s.off():
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.asksForClaim(r) {
			s.answerClaim(w, r)
			return
		}
		v := &visit{site: s, w: w, r: r}
		v.attend(next)
	})
}

// sealed is a token and how it is written.
type sealed struct {
	position.Token
	text string
}

// now returns a token for what the database here has; false with one for a time
// if that cannot be read.
func (s *Site) now(ctx context.Context) (sealed, bool) {
	if s.cfg.Database == nil || s.cfg.Consistency == Window {
		return s.window(), false
	}
	// The write has happened, whether or not its client is still there.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), positionTimeout)
	defer cancel()
	before := s.cfg.Database.State()
	p, err := s.cfg.Database.Position(ctx)
	st := s.cfg.Database.State()
	if errors.Is(err, errors.ErrUnsupported) {
		s.tellOnce("window", "homing: this database does not tell its position, so after a write a client's reads go home for a while",
			"window", s.cfg.Window, "err", err)
		return s.window(), false
	}
	// A position means nothing in another line of history than its own.
	if err != nil || p == "" || st.Epoch == "" || st.Epoch != before.Epoch {
		s.cfg.Logger.Warn("homing: the database's position could not be read; this client's reads go home for a while instead",
			"window", s.cfg.Window, "err", err)
		return s.window(), false
	}
	t := position.Token{Engine: st.Engine, Epoch: st.Epoch, Position: p}
	text, err := s.keys.Seal(t)
	if err != nil {
		s.tellOnce("seal", "homing: the database's position cannot be written as a token; after writes, reads go home for a while instead",
			"window", s.cfg.Window, "err", err)
		return s.window(), false
	}
	return sealed{t, text}, true
}

// window returns a token that sends reads home from now on, for as long as the
// site's window.
func (s *Site) window() sealed {
	t := position.Token{HomeUntil: time.Now().Add(s.cfg.Window)}
	text, _ := s.keys.Seal(t) // fails only for what is long, or before 1970
	return sealed{t, text}
}

// maxTold bounds what tellOnce remembers: paths may come from clients.
const maxTold = 256

// tellOnce logs a line, the first time for each key.
func (s *Site) tellOnce(key, msg string, args ...any) {
	s.mu.Lock()
	known := s.told[key] || len(s.told) == maxTold
	if !known {
		s.told[key] = true
	}
	s.mu.Unlock()
	if !known {
		s.cfg.Logger.Warn(msg, args...)
	}
}
