package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Cluster is a primary and its replicas. Its methods may be called from any
// goroutine.
type Cluster struct {
	*workshop
	config  Config
	dir     string // within the workshop's
	starter *starter
	servers []*Server
	primary atomic.Pointer[Server]
	close   func() error
}

// Start starts a cluster for one test, which fails if that fails, and ends with it.
// A test that failed shows the end of the servers' logs.
func Start(t testing.TB, cfg Config) *Cluster {
	t.Helper()
	c, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.showLogs(t)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *Cluster) showLogs(t testing.TB) {
	const most = 20
	for _, s := range c.servers {
		lines := strings.Split(strings.TrimSpace(s.Log()), "\n")
		t.Logf("the end of the log of %s:\n%s", s.name, strings.Join(lines[max(0, len(lines)-most):], "\n"))
	}
}

// New starts a cluster that many tests may use; ctx bounds New only. It returns
// when every replica follows. A cluster that is not closed ends with the process.
func New(ctx context.Context, cfg Config) (*Cluster, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	w, err := theWorkshop(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{workshop: w, config: cfg, starter: newStarter()}
	c.close = sync.OnceValue(c.end)
	if err := c.begin(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *Cluster) begin(ctx context.Context) (err error) {
	if c.dir, err = os.MkdirTemp(c.workshop.dir, "cluster-"); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if err := c.as.own(c.dir); err != nil {
		return err
	}
	for n := range c.config.Replicas + 1 {
		if err := c.add(fmt.Sprintf("pg%d", n+1)); err != nil {
			return err
		}
	}
	identity := randomIdentity()
	if err := each(ctx, c.servers, func(ctx context.Context, s *Server) error { return s.bringUp(ctx, identity) }); err != nil {
		return err
	}
	return each(ctx, c.Replicas(), func(ctx context.Context, s *Server) error { return s.awaitStream(ctx) })
}

// add adds a server that does not run yet.
func (c *Cluster) add(name string) error {
	g, err := newGate()
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	s := &Server{cluster: c, name: name, data: filepath.Join(c.dir, name), gate: g}
	if !c.primary.CompareAndSwap(nil, s) {
		s.follows.Store(c.Primary())
	}
	c.servers = append(c.servers, s)
	return nil
}

// bringUp starts a server from the template. All begin at the same time: a replica
// has much to do before it needs its primary.
func (s *Server) bringUp(ctx context.Context, identity [8]byte) error {
	c := s.cluster
	if err := run(ctx, c.as, c.dir, "", "cp", "-R", c.template(), s.data); err != nil {
		return err
	}
	if err := newIdentity(s.data, identity); err != nil {
		return err
	}
	if s.follows.Load() != nil {
		if err := s.markReplica(); err != nil {
			return err
		}
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if s == c.Primary() {
		for _, r := range c.Replicas() {
			r.gate.follow(s.port)
		}
	}
	if c.config.PgBouncer {
		return s.startBouncer(ctx)
	}
	return nil
}

// Primary is the server that was promoted last; at first, the first.
func (c *Cluster) Primary() *Server { return c.primary.Load() }

// Replicas are all servers but the primary, stopped ones too, in the order of their
// names. After a promotion the former primary is among them.
func (c *Cluster) Replicas() []*Server {
	var all []*Server
	for _, s := range c.servers {
		if s != c.Primary() {
			all = append(all, s)
		}
	}
	return all
}

// WaitCaughtUp waits until everything that was committed on the primary before the
// call is visible on each running server that follows it, directly or not. One that
// is held makes it wait.
func (c *Cluster) WaitCaughtUp(ctx context.Context) error {
	primary := c.Primary()
	position, err := primary.position(ctx)
	if err != nil {
		return err
	}
	return each(ctx, c.Replicas(), func(ctx context.Context, s *Server) error {
		if !s.Running() || !s.hangsOn(primary) {
			return nil
		}
		return s.reach(ctx, position)
	})
}

// hangsOn reports whether s follows other, directly or not.
func (s *Server) hangsOn(other *Server) bool {
	for at := s.follows.Load(); at != nil; at = at.follows.Load() {
		if at == other {
			return true
		}
	}
	return false
}

// position is how far a primary has got. It is not the insert position: an idle
// primary does not send all up to there.
func (s *Server) position(ctx context.Context) (position string, err error) {
	return position, s.ask(ctx, &position, "select pg_current_wal_flush_lsn()::text")
}

func (s *Server) reach(ctx context.Context, position string) error {
	if err := s.until(ctx, "select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)", position); err != nil {
		return fmt.Errorf("pgtest: %s does not reach %s: %w: %s", s.name, position, err, lastLine(s.Log()))
	}
	return nil
}

// Synchronous has each commit on the primary wait for these servers: until they have
// received it, or as synchronous_commit says. None ends that.
func (c *Cluster) Synchronous(ctx context.Context, servers ...*Server) error {
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i] = s.name
	}
	value := ""
	if len(names) > 0 {
		value = fmt.Sprintf("%d (%s)", len(names), strings.Join(names, ", "))
	}
	primary := c.Primary()
	err := primary.Exec(ctx, "alter system set synchronous_standby_names = '"+value+"'", "select pg_reload_conf()")
	if err != nil {
		return err
	}
	if err := primary.until(ctx, "select current_setting('synchronous_standby_names') = $1", value); err != nil {
		return fmt.Errorf("pgtest: %s does not take the setting: %w", primary.name, err)
	}
	// The checkpointer is who makes commits wait, and it looks at settings first. It has
	// been told by now: a new connection is taken only after that.
	return primary.Exec(ctx, "checkpoint")
}

// Close stops all servers and removes what they held. It may be called again, with
// the same result.
func (c *Cluster) Close() error { return c.close() }

func (c *Cluster) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := each(ctx, c.servers, func(_ context.Context, s *Server) error {
		s.change.Lock()
		defer s.change.Unlock()
		s.closed = true
		err := errors.Join(s.bouncer.stop(ctx), s.stop(ctx, Immediate))
		s.gate.close()
		return err
	})
	c.starter.close()
	if c.dir != "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}

// each runs f for all servers at the same time, and returns the first error, which
// ends the context of the others.
func each(ctx context.Context, servers []*Server, f func(context.Context, *Server) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() {
			if err := f(ctx, s); err != nil {
				fail(err) // counts once
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
