package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Server is one PostgreSQL of a [Cluster], at the same port from beginning to end.
// Its methods may be called from any goroutine. Those that change it come one after
// the other, return when the change is done, and give up after 30 s if ctx has no
// earlier end.
type Server struct {
	cluster *Cluster
	name    string
	data    string // its folder
	port    int    // set by the first start, within New
	gate    *gate  // to whom it follows
	bouncer *bouncer

	process atomic.Pointer[process] // the last one that was started
	follows atomic.Pointer[Server]  // nil: nobody, it is a primary

	change sync.Mutex // held by what starts, stops or rebuilds it
	closed bool       // with its cluster; guarded by change
}

// Name is "pg1" for the server that is the primary at first, "pg2" and so on for
// the others: cluster_name here, application_name in the primary's
// pg_stat_replication.
func (s *Server) Name() string { return s.name }

// Port is where PostgreSQL itself listens, on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// URL leads an app to the database "app", which its user "app" owns; through
// PgBouncer if there is one. It can be read by pgx.
func (s *Server) URL() string { return s.url(firstDatabase) }

// DirectURL is [Server.URL] past PgBouncer.
func (s *Server) DirectURL() string { return s.directURL(firstDatabase) }

// AdminURL leads the superuser "postgres" to the database "app", past PgBouncer.
func (s *Server) AdminURL() string {
	return address(s.cluster.superuser, s.port, firstDatabase, nil)
}

const firstDatabase = "app"

func (s *Server) url(database string) string {
	if s.bouncer == nil {
		return s.directURL(database)
	}
	return address(s.cluster.app, s.bouncer.port, database, s.bouncer.parameters())
}

func (s *Server) directURL(database string) string {
	return address(s.cluster.app, s.port, database, nil)
}

func address(as login, port int, database string, parameters url.Values) string {
	if parameters == nil {
		parameters = url.Values{}
	}
	parameters.Set("sslmode", "disable") // nobody has to ask for TLS first
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(as.name, as.password), Host: loopback(port),
		Path: "/" + database, RawQuery: parameters.Encode(),
	}
	return u.String()
}

// Exec runs statements as the superuser in the database "app", past PgBouncer, each
// in a transaction of its own unless they say otherwise, on one connection.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("pgtest: %s: %w", s.name, err)
		}
	}
	return nil
}

// ask reads the one value that a query returns for the superuser.
func (s *Server) ask(ctx context.Context, into any, query string) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, query).Scan(into); err != nil {
		return fmt.Errorf("pgtest: %s: %w", s.name, err)
	}
	return nil
}

// until runs a query as the superuser, on one connection, until it returns true.
func (s *Server) until(ctx context.Context, query string, args ...any) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return poll(ctx, func(ctx context.Context) (yes bool, err error) {
		return yes, conn.QueryRow(ctx, query, args...).Scan(&yes)
	})
}

func (s *Server) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := dial(ctx, s.AdminURL())
	if err != nil {
		return nil, fmt.Errorf("pgtest: %s: %w", s.name, err)
	}
	return conn, nil
}

// dial connects for statements that are run once each.
func dial(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return pgx.ConnectConfig(ctx, cfg)
}

// Running reports whether the server was started and has not ended since.
func (s *Server) Running() bool {
	p := s.process.Load()
	return p != nil && !p.ended()
}

// Log is what the server has written to its log since it was last started; of very
// much, the end.
func (s *Server) Log() string {
	if p := s.process.Load(); p != nil {
		return p.log.String()
	}
	return ""
}

// Start starts a server that was stopped, as what it was: a primary, or a replica
// that catches up by itself. It returns when the server takes connections.
func (s *Server) Start(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	if s.Running() {
		return fmt.Errorf("pgtest: %s is running already", s.name)
	}
	return s.start(ctx)
}

func (s *Server) start(ctx context.Context) error {
	if s.closed {
		return fmt.Errorf("pgtest: the cluster of %s is closed", s.name)
	}
	port, err := onPort(ctx, s.port, func(port int) error { return s.launch(ctx, port) })
	if err != nil {
		return fmt.Errorf("pgtest: starting %s: %w", s.name, err)
	}
	if s.port == 0 { // else others may read it now
		s.port = port
	}
	return nil
}

// launch starts the server on the port, and waits until it takes connections.
func (s *Server) launch(ctx context.Context, port int) error {
	if err := s.configure(port); err != nil {
		return err
	}
	w := s.cluster.workshop
	p, err := s.cluster.starter.start(command{
		as: w.as, dir: s.data, program: w.program("postgres"), args: []string{"-D", s.data}, atEnd: syscall.SIGQUIT,
	})
	if err != nil {
		return err
	}
	s.process.Store(p)
	return p.ready(ctx, func() bool { return s.ready(p.cmd.Process.Pid) })
}

// ready reports whether the server takes connections. It says so in a file; asking
// it by connecting would cost it a process each time.
func (s *Server) ready(pid int) bool {
	text, err := os.ReadFile(s.pidFile())
	lines := strings.Split(string(text), "\n")
	const status = 7
	return err == nil && len(lines) > status && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[status]) == "ready"
}

func (s *Server) pidFile() string { return filepath.Join(s.data, "postmaster.pid") }

// configure writes what the server reads when it starts.
func (s *Server) configure(port int) error {
	all := s.cluster.settings()
	for name, value := range s.cluster.config.Settings {
		all[name] = value
	}
	all["port"] = fmt.Sprint(port)
	all["cluster_name"] = s.name // and so its name where it follows
	all["primary_conninfo"] = s.cluster.connInfo(s.gate.port())
	return s.cluster.write(filepath.Join(s.data, "postgresql.conf"), settingsText(all))
}

// Mode is how a server is stopped.
type Mode int

// The ways to stop a server.
const (
	// Fast breaks connections, writes everything and lets replicas receive it. One
	// whose stream is held makes the server wait.
	Fast Mode = iota + 1
	// Immediate ends at once and cleans up only its memory.
	Immediate
	// Kill ends it as a failing machine would.
	Kill
)

var signals = map[Mode]syscall.Signal{Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT, Kill: syscall.SIGKILL}

// Stop ends the server and all of its processes; one that is stopped stays so.
func (s *Server) Stop(ctx context.Context, mode Mode) error {
	s.change.Lock()
	defer s.change.Unlock()
	return s.stop(ctx, mode)
}

func (s *Server) stop(ctx context.Context, mode Mode) error {
	if !s.Running() {
		return nil
	}
	sig, known := signals[mode]
	if !known {
		return fmt.Errorf("pgtest: stopping %s: there is no mode %d", s.name, mode)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.process.Load().stop(ctx, sig); err != nil {
		return fmt.Errorf("pgtest: stopping %s: %w", s.name, err)
	}
	removeSharedMemory(s.pidFile()) // there is none unless killed
	return nil
}
