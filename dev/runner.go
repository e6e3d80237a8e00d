package dev

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/sqlite"
)

// runner is one machine of the app, in this process: its database, its server,
// and for the primary the server of its feed. It can be stopped and started.
type runner struct {
	world  *World
	region region.Code
	id     machine.ID
	// addr is that of the app's server, feedAddr that of the feed's. The first
	// start sets their ports, before anything is served; they stay the same after.
	addr, feedAddr string

	mu      sync.Mutex // guards what follows, and that the fleet agrees with it
	db      *sqlite.DB // nil: stopped
	servers []server
	closed  bool // for good
}

// anyPort is a loopback port that is free.
const anyPort = "127.0.0.1:0"

func newRunner(w *World, r region.Code) *runner {
	var id [7]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return &runner{world: w, region: r, id: machine.ID(hex.EncodeToString(id[:])), addr: anyPort, feedAddr: anyPort}
}

// database returns the machine's database, nil while it is stopped.
func (m *runner) database() *sqlite.DB {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.db
}

// env is the environment that the machine has.
func (m *runner) env() (map[string]string, error) {
	_, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	cfg := m.world.cfg
	vars := machine.Env{
		App: cfg.Name, ID: m.id, Region: m.region, PrimaryRegion: cfg.Primary, ProcessGroup: "app",
		PrivateIP: netip.MustParseAddr("127.0.0.1"), Port: uint16(n), Edge: true,
	}.Environ()
	vars = append(vars, "HOMING_SECRET="+m.world.secret)
	if home := cfg.Distances(m.region, cfg.Primary); home > 0 {
		vars = append(vars, "HOMING_WAIT="+min(home, time.Second).String())
	}
	env := make(map[string]string, len(vars))
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	return env, nil
}

var errClosed = errors.New("the world has been closed")

// start starts the machine and gives it requests, or does nothing if it runs.
func (m *runner) start(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if m.db != nil {
		return nil
	}
	l, err := listen(&m.addr)
	if err != nil {
		return err
	}
	if m.db, err = m.open(ctx); err != nil {
		l.Close()
		return err
	}
	if err := m.serve(l); err != nil {
		l.Close()
		return errors.Join(err, m.shut())
	}
	m.world.fleet.Update(m.fleetMachine(true))
	return nil
}

// listen opens the port that addr names, and notes there which one it is if any
// would do. Otherwise addr is left alone: others read it.
func listen(addr *string) (net.Listener, error) {
	l, err := net.Listen("tcp", *addr)
	if err == nil && *addr == anyPort {
		*addr = l.Addr().String()
	}
	return l, err
}

// open opens the database as this region has it; mu is held.
func (m *runner) open(ctx context.Context) (*sqlite.DB, error) {
	w := m.world
	cfg := sqlite.Config{
		Path: filepath.Join(w.cfg.Dir, string(m.region)+".db"), Role: machine.Primary,
		Secret: w.secret, Logger: w.cfg.Logger.With("region", m.region),
	}
	if m.region != w.cfg.Primary {
		p := w.places[m.region]
		cfg.Role, cfg.Dial = machine.Replica, p.feed.Dial
		cfg.Feed = "http://" + w.places[w.cfg.Primary].machine.feedAddr
	}
	return sqlite.Open(ctx, cfg)
}

// serve starts the servers; mu is held.
func (m *runner) serve(l net.Listener) error {
	env, err := m.env()
	if err != nil {
		return err
	}
	app, err := m.world.cfg.App(func(name string) string { return env[name] }, m.db)
	if err != nil {
		return fmt.Errorf("start the app in %s: %w", m.region, err)
	}
	m.begin(l, app)
	if m.region == m.world.cfg.Primary {
		fl, err := listen(&m.feedAddr)
		if err != nil {
			return err
		}
		m.begin(fl, m.db.Feed())
	}
	return nil
}

func (m *runner) begin(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	m.servers = append(m.servers, server{s, l})
	go s.Serve(l) //nolint:errcheck // it ends when shut closes it
}

// server is a server and where it listens.
type server struct {
	*http.Server
	l net.Listener
}

// end closes both: a server whose Serve has not begun yet does not know its
// listener, and a machine that is started again at once would find its port in use.
func (s server) end() {
	s.l.Close()
	s.Close()
}

// stop stops the machine at once, as a machine that dies does.
func (m *runner) stop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.world.fleet.Update(m.fleetMachine(false))
	return m.shut()
}

// close stops the machine for good: a start that comes later, from a page that
// is still open, must not leave anything running.
func (m *runner) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.shut()
}

// shut ends what runs; mu is held.
func (m *runner) shut() error {
	for _, s := range m.servers {
		s.end()
	}
	m.servers = nil
	if m.db == nil {
		return nil
	}
	err := m.db.Close()
	m.db = nil
	return err
}

// fleetMachine is the machine as the edges see it.
func (m *runner) fleetMachine(healthy bool) fleet.Machine {
	return fleet.Machine{ID: m.id, App: m.world.cfg.Name, Region: m.region, Addr: m.addr, Healthy: healthy}
}
