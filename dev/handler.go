package dev

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"homing/primary"
)

// handler serves a machine's copy of the app in this process.
type handler struct {
	app    func(getenv func(string) string, db Database) (http.Handler, error)
	server *server
}

func (h *handler) start(m *runner) error {
	l, err := listen(m.lastAddr())
	if err != nil {
		return err
	}
	m.moveTo(l.Addr().String())
	s, db := m.site, m.site.database()
	env := make(map[string]string)
	for _, v := range s.machine(m.id, m.number, s.world.cfg.Group, portOf(l.Addr())).Environ {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	app, err := h.app(func(name string) string { return env[name] }, db)
	if err != nil {
		l.Close()
		return fmt.Errorf("start the app in %s: %w", s.region, err)
	}
	h.server = &server{&http.Server{
		Handler: app, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.world.cfg.Logger.With("region", s.region).Handler(), slog.LevelError),
	}, l}
	go h.server.Serve(l) //nolint:errcheck // it ends when end closes it
	m.serve(claimOf(db))
	return nil
}

func (h *handler) up(context.Context, *runner) error { return nil }

func (h *handler) end() { h.server.end() }

// claimOf is what a machine with this database would say of it.
func claimOf(db Database) primary.Claim {
	if db == nil {
		return primary.Claim{}
	}
	st := db.State()
	return primary.Claim{Role: st.Role, Epoch: st.Epoch}
}

func portOf(addr net.Addr) uint16 { return uint16(addr.(*net.TCPAddr).Port) }

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
