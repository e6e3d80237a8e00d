package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"homing"
	"homing/supervise"
)

// Config says what a sidecar stands in front of, and where.
type Config struct {
	// Site decides. Required.
	Site *homing.Site
	// App is where the app is, which is started by Command or by somebody else.
	App AppConfig
	// Addr is where clients, or the edge in front, connect to. Empty: nowhere, as for
	// a worker, whose App is not asked.
	Addr string
	// HealthPath is a path at Addr that answers [homing.Site.Health]. Empty: none, and
	// all paths are the app's.
	HealthPath string
	// AdminAddr is where [Admin] is served, on loopback. Empty: nowhere.
	AdminAddr string
	// Command starts the app, once. nil: somebody else does.
	Command *supervise.Config
	// StartTimeout is how long the app may take until its port is open, before the log
	// asks for it. It is waited for all the same: a worker opens none. Default 1 min.
	StartTimeout time.Duration
	// Drain is how long requests under way may take when the sidecar is to end, before
	// the app is told so. Default 3 s: Fly kills a machine after 5 s (kill_timeout), and
	// the app needs some of them.
	Drain time.Duration
	// Ready is called when requests are taken, with the address that is listened at.
	// nil: nobody is told.
	Ready func(addr string)
	// Logger gets what an operator should know. nil: slog.Default().
	Logger *slog.Logger
}

// Defaults of a [Config].
const (
	DefaultStart = time.Minute
	DefaultDrain = 3 * time.Second
)

func (c Config) withDefaults() Config {
	if c.StartTimeout <= 0 {
		c.StartTimeout = DefaultStart
	}
	if c.Drain <= 0 {
		c.Drain = DefaultDrain
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Ready == nil {
		c.Ready = func(string) {}
	}
	if c.App.Logger == nil {
		c.App.Logger = c.Logger
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Site == nil:
		return errors.New("sidecar: Site is not set")
	case c.HealthPath != "" && !strings.HasPrefix(c.HealthPath, "/"):
		return fmt.Errorf(`sidecar: the health path %q must begin with "/"`, c.HealthPath)
	case c.Addr == "" && c.Command == nil:
		return errors.New("sidecar: nothing to do: there is neither an address nor a command")
	}
	if c.AdminAddr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.AdminAddr)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("sidecar: the admin address %q must be a loopback address and a port, such as 127.0.0.1:7070: whoever reaches it is told positions", c.AdminAddr)
	}
	return nil
}

// Run stands in front of the app until ctx ends or the app does, and returns how that
// ended; the zero Exit if somebody else has started it. Nothing listens at Addr before
// the app does, and if it never does, nothing ever. When ctx ends no new connections are taken, requests under way are
// finished, and then the app is told to end. Signals that mean something to apps, such
// as SIGUSR1, are passed on meanwhile, and as PID 1 it waits for orphans. The error says
// why it could not begin; why an app could not be started stands in the Exit.
func Run(ctx context.Context, cfg Config) (supervise.Exit, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return supervise.Exit{}, err
	}
	app, err := NewApp(cfg.App)
	if err != nil && cfg.Addr != "" {
		return supervise.Exit{}, err
	}
	s := &stand{cfg: cfg, app: app, failed: make(chan error, 2)}
	defer s.close()
	return s.run(ctx)
}

// stand is a sidecar that runs.
type stand struct {
	cfg    Config
	app    *App // nil for a worker without an address
	front  *http.Server
	admin  *http.Server
	child  *child // nil: somebody else has started the app
	failed chan error

	serving sync.WaitGroup
}

func (s *stand) run(ctx context.Context) (supervise.Exit, error) {
	if err := s.listenAdmin(); err != nil {
		return supervise.Exit{}, err
	}
	if err := s.isFree(); err != nil {
		return supervise.Exit{}, err
	}
	if s.cfg.Command != nil {
		up, err := s.startApp(ctx)
		if err != nil || !up {
			return s.child.end(), err
		}
	}
	if err := s.listenFront(); err != nil {
		return s.child.end(), err
	}
	var err error
	select {
	case <-s.child.ended():
		return s.child.end(), nil
	case err = <-s.failed:
	case <-ctx.Done():
		s.drain()
	}
	return s.child.end(), err
}

// isFree finds a port that is in use before the app is started.
func (s *stand) isFree() error {
	if s.cfg.Addr == "" {
		return nil
	}
	l, err := s.listen(s.cfg.Addr)
	if err != nil {
		return err
	}
	return l.Close()
}

func (s *stand) listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("sidecar: nothing can listen at %s: %w; end what does, or choose another port", addr, err)
	}
	return l, nil
}

func (s *stand) listenAdmin() error {
	if s.cfg.AdminAddr == "" {
		return nil
	}
	l, err := s.listen(s.cfg.AdminAddr)
	if err != nil {
		return err
	}
	s.admin = s.serve(l, Admin(s.cfg.Site))
	return nil
}

func (s *stand) listenFront() error {
	if s.cfg.Addr == "" {
		return nil
	}
	l, err := s.listen(s.cfg.Addr)
	if err != nil {
		return err
	}
	handler := s.cfg.Site.Handler(s.app)
	if s.cfg.HealthPath != "" {
		handler = withHealth(s.cfg.HealthPath, s.cfg.Site.Health(), handler)
	}
	s.front = s.serve(l, handler)
	s.cfg.Logger.Info("homing: standing in front of the app", "addr", l.Addr().String(), "app", s.cfg.App.Addr)
	s.cfg.Ready(l.Addr().String())
	return nil
}

// withHealth answers one path, and leaves the others as they are: a mux would clean
// them.
func withHealth(path string, health, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			health.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *stand) serve(l net.Listener, h http.Handler) *http.Server {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
	}
	if s.cfg.App.HTTP2 {
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
	}
	s.serving.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("sidecar: serving at %s ended: %w", l.Addr(), err)
		}
	})
	return srv
}

// drain takes no new connections and waits for the requests under way.
func (s *stand) drain() {
	if s.front == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Drain)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.front.Shutdown(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			s.cfg.Logger.Warn("homing: requests were still under way when the time for them was over", "drain", s.cfg.Drain)
		}
	case <-s.child.ended(): // nobody answers them any more
		cancel()
		<-done
	}
}

// close ends what serves.
func (s *stand) close() {
	for _, srv := range []*http.Server{s.front, s.admin} {
		if srv != nil {
			srv.Close()
		}
	}
	s.serving.Wait()
	if s.app != nil {
		s.app.Close()
	}
}

// startApp starts the app and waits until it listens. It reports whether it does, or
// need not; else it has ended, or shall.
func (s *stand) startApp(ctx context.Context) (up bool, err error) {
	p, err := supervise.New(*s.cfg.Command)
	if err != nil {
		return false, err
	}
	s.child = startChild(p)
	if s.cfg.Addr == "" {
		return true, nil // a worker: nobody waits for it
	}
	soon, cancel := context.WithTimeout(ctx, s.cfg.StartTimeout)
	defer cancel()
	err = p.Up(soon)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		now, _ := p.Status()
		s.cfg.Logger.Warn("homing: the app takes no requests yet; if it is to take none, --worker says so", "after", s.cfg.StartTimeout, "why", now.Problem)
		err = p.Up(ctx)
	}
	return err == nil, nil
}
