// Package health asks machines how they are. [Watch] asks what their databases are, and
// tells the fleet; [Examine] asks an app's checks. What Watch asks is
// what a machine's database is, at [primary.Path]: that is how an edge learns that a
// primary has moved, or gone, while nobody sends requests. Machines without our
// handler do not answer there, and nothing is known of their databases.
package health

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/primary"
	"homing/replay"
)

// Config says whom to ask, and how. Fleet is required.
type Config struct {
	Fleet *fleet.Fleet
	// Dial opens connections to machines; nil is a plain [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Every is how often each machine is asked. Default 1 s. A machine that does not
	// know the question is asked ten times less often.
	Every time.Duration
	// Timeout bounds each question. Default 2 s.
	Timeout time.Duration
	// Logger is told of databases that two regions claim. nil: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Watch asks until ctx ends. Its questions have ended when it returns.
func Watch(ctx context.Context, cfg Config) {
	cfg = cfg.withDefaults()
	transport := &http.Transport{DialContext: cfg.Dial, MaxIdleConnsPerHost: 1, IdleConnTimeout: 10 * cfg.Every}
	defer transport.CloseIdleConnections()
	w := &watch{
		cfg: cfg, patients: map[key]*patient{}, disputed: map[machine.App]bool{},
		client: &http.Client{Transport: transport, Timeout: cfg.Timeout},
	}
	tick := time.NewTicker(cfg.Every)
	defer tick.Stop()
	for {
		w.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

type watch struct {
	cfg      Config
	client   *http.Client
	patients map[key]*patient
	disputed map[machine.App]bool // the log has been told
}

// key names a machine; a machine that moves is another.
type key struct {
	app  machine.App
	id   machine.ID
	addr string
}

// patient is what is known of one machine's answers.
type patient struct {
	silent int  // questions in a row that had no answer
	mute   int  // rounds to leave out: it does not know the question
	spoke  bool // it has told a claim
}

// muteRounds is how many rounds a machine is left out that does not know the
// question.
const muteRounds = 9

// patience is how many questions may stay without an answer before what a machine
// said counts no more.
const patience = 2

// round asks every machine once, all at the same time.
func (w *watch) round(ctx context.Context) {
	var wait sync.WaitGroup
	machines := w.cfg.Fleet.Snapshot().Machines()
	seen := make(map[key]*patient, len(machines))
	for _, m := range machines {
		k := key{m.App, m.ID, m.Addr}
		p := w.patients[k]
		if p == nil {
			p = new(patient)
		}
		seen[k] = p
		if p.mute > 0 {
			p.mute--
			continue
		}
		wait.Go(func() { w.ask(ctx, m, p) })
	}
	w.patients = seen
	wait.Wait()
	w.report()
}

// ask asks one machine and tells the fleet.
func (w *watch) ask(ctx context.Context, m fleet.Machine, p *patient) {
	claim, answered, told := w.claim(ctx, m)
	switch {
	case told:
		*p = patient{spoke: true}
		w.cfg.Fleet.SetClaim(m.App, m.ID, claim)
	case answered && !p.spoke:
		p.mute = muteRounds
		w.cfg.Fleet.SetClaim(m.App, m.ID, primary.Claim{}) // whatever it is, it is no primary
	case ctx.Err() == nil:
		if p.silent++; p.silent >= patience {
			w.cfg.Fleet.SetClaim(m.App, m.ID, primary.Claim{})
		}
	}
}

// claim returns what a machine says. told is false if it said nothing of its
// database, answered if it said nothing at all.
func (w *watch) claim(ctx context.Context, m fleet.Machine) (c primary.Claim, answered, told bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Addr+primary.Path, nil)
	if err != nil {
		return c, false, false
	}
	if place := w.cfg.Fleet.Snapshot().Primary(m.App); place.Known() {
		req.Header.Set(replay.PrimaryHeader, place.String())
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return c, false, false
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be kept
	values := resp.Header[replay.RoleHeader]
	if len(values) != 1 {
		return c, true, false
	}
	c, err = primary.ParseClaim(values[0])
	return c, true, err == nil
}

// report says once in the log which apps' primaries are disputed.
func (w *watch) report() {
	s := w.cfg.Fleet.Snapshot()
	for k := range w.patients {
		disputed := s.Disputed(k.app)
		if disputed && !w.disputed[k.app] {
			w.cfg.Logger.Error("two regions claim to have the primary database, and nothing tells which is right; "+
				"nothing is written until one of them is stopped", "app", k.app)
		}
		w.disputed[k.app] = disputed
	}
}
