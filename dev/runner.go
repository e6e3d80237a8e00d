package dev

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/primary"
	"homing/region"
)

// runner is one machine of the app, in this process: its database and its server.
// It can be stopped and started.
type runner struct {
	world  *World
	region region.Code
	id     machine.ID

	mu     sync.Mutex // guards what follows, and that the fleet agrees with it
	addr   string     // of the app's server, or of its last one
	db     Database   // nil: stopped
	server *server
	closed bool // for good
}

// anyPort is a loopback port that is free.
const anyPort = "127.0.0.1:0"

func newRunner(w *World, r region.Code) *runner {
	var id [7]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return &runner{world: w, region: r, id: machine.ID(hex.EncodeToString(id[:])), addr: anyPort}
}

// database returns the machine's database, nil while it is stopped.
func (m *runner) database() Database {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.db
}

// env is the environment that the machine has; mu is held.
func (m *runner) env() (map[string]string, error) {
	_, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	cfg, home := m.world.cfg, m.world.databases.home()
	vars := machine.Env{
		App: cfg.Name, ID: m.id, Region: m.region, PrimaryRegion: home, ProcessGroup: "app",
		PrivateIP: netip.MustParseAddr("127.0.0.1"), Port: uint16(n), Edge: true,
	}.Environ()
	vars = append(vars, "HOMING_SECRET="+m.world.secret)
	if way := m.world.wayHome(m.region, home); way > 0 {
		vars = append(vars, "HOMING_WAIT="+min(way, time.Second).String())
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
	if m.server != nil {
		return nil
	}
	if err := m.open(ctx); err != nil {
		return err
	}
	if err := m.serve(); err != nil {
		return errors.Join(err, m.shut())
	}
	m.world.fleet.Update(m.fleetMachine(true))
	return nil
}

// openDatabase opens the machine's database alone; start does the rest.
func (m *runner) openDatabase(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open(ctx)
}

// open opens the database, unless it is open; mu is held.
func (m *runner) open(ctx context.Context) (err error) {
	switch {
	case m.closed:
		return errClosed
	case m.db != nil:
		return nil
	}
	if m.db, err = m.world.databases.open(ctx, m.region); err != nil {
		return fmt.Errorf("open the database in %s: %w", m.region, err)
	}
	return nil
}

// serve starts the app and its server; mu is held.
func (m *runner) serve() error {
	l, err := listen(m.addr)
	if err != nil {
		return err
	}
	m.addr = l.Addr().String()
	app, err := m.app()
	if err != nil {
		l.Close()
		return fmt.Errorf("start the app in %s: %w", m.region, err)
	}
	m.server = &server{&http.Server{
		Handler: app, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(m.world.cfg.Logger.With("region", m.region).Handler(), slog.LevelError),
	}, l}
	go m.server.Serve(l) //nolint:errcheck // it ends when shut closes it
	return nil
}

// app makes the machine's copy of the app; mu is held.
func (m *runner) app() (http.Handler, error) {
	env, err := m.env()
	if err != nil {
		return nil, err
	}
	return m.world.cfg.App(func(name string) string { return env[name] }, m.db)
}

// listen opens the address that was listened on last, or another one: while a machine
// is stopped, its port is anybody's.
func listen(last string) (net.Listener, error) {
	if l, err := net.Listen("tcp", last); err == nil {
		return l, nil
	}
	return net.Listen("tcp", anyPort)
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

// offer gives a machine that runs requests, or none.
func (m *runner) offer(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.db != nil {
		m.world.fleet.Update(m.fleetMachine(on))
	}
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
	if m.server != nil {
		m.server.end()
		m.server = nil
	}
	if m.db == nil {
		return nil
	}
	err := m.db.Close()
	m.db = nil
	return err
}

// fleetMachine is the machine as the edges see it; mu is held. What it is asked for
// now and then is known here from the start.
func (m *runner) fleetMachine(healthy bool) fleet.Machine {
	f := fleet.Machine{ID: m.id, App: m.world.cfg.Name, Region: m.region, Addr: m.addr, Healthy: healthy}
	if healthy && m.db != nil {
		st := m.db.State()
		f.Claim = primary.Claim{Role: st.Role, Epoch: st.Epoch}
	}
	return f
}
