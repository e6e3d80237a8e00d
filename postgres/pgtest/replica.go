package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// HoldReplay stops a replica from showing changes that it goes on receiving, until
// [Server.ResumeReplay], a promotion or a restart.
func (s *Server) HoldReplay(ctx context.Context) error {
	if err := s.Exec(ctx, "select pg_wal_replay_pause()"); err != nil {
		return err
	}
	// It is only asked for: a change that is being applied is finished.
	if err := s.until(ctx, "select pg_get_wal_replay_pause_state() = 'paused'"); err != nil {
		return fmt.Errorf("pgtest: %s does not hold its replay: %w", s.name, err)
	}
	return nil
}

// ResumeReplay ends [Server.HoldReplay].
func (s *Server) ResumeReplay(ctx context.Context) error {
	return s.Exec(ctx, "select pg_wal_replay_resume()")
}

// HoldStream holds back what comes to a replica from the server it follows, until
// [Server.ReleaseStream]. Connections stay open, as on a line that went silent;
// what was sent before may still be applied, and nothing that is sent after.
func (s *Server) HoldStream() { s.gate.hold() }

// ReleaseStream ends [Server.HoldStream]; everything held back arrives.
func (s *Server) ReleaseStream() { s.gate.release() }

// DelayStream has what comes to a replica arrive d later from now on, as from a
// place far away. What the replica answers takes no time.
func (s *Server) DelayStream(d time.Duration) { s.gate.setDelay(d) }

// Promote makes a replica the cluster's primary, and returns when it can be written
// to. A server that was primary and runs remains one too, on its own: stop it
// before, or have two. Other replicas follow whom they followed.
func (s *Server) Promote(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	// It returns whether it came to pass in time.
	if err := s.until(ctx, "select pg_promote(true, $1)", int(patience.Seconds())); err != nil {
		return fmt.Errorf("pgtest: %s is not promoted: %w", s.name, err)
	}
	s.follows.Store(nil)
	s.gate.follow(nobody)
	s.cluster.primary.Store(s)
	return nil
}

// Follow has a replica follow another server, the new primary or another replica.
// It returns when it does; at once if it is stopped or its stream held. A replica
// that has more than the other, and a primary, cannot: see [Server.Rebuild].
func (s *Server) Follow(ctx context.Context, other *Server) error {
	s.change.Lock()
	defer s.change.Unlock()
	if s.follows.Load() == nil {
		return fmt.Errorf("pgtest: %s is a primary, and follows %s only when rebuilt", s.name, other.name)
	}
	if err := s.mayFollow(other); err != nil {
		return err
	}
	s.followAt(other)
	if !s.Running() || s.gate.held() {
		return nil
	}
	return s.awaitStream(ctx)
}

func (s *Server) mayFollow(other *Server) error {
	for at := other; at != nil; at = at.follows.Load() {
		if at == s {
			return fmt.Errorf("pgtest: %s cannot follow %s, which follows it", s.name, other.name)
		}
	}
	if other.cluster != s.cluster {
		return fmt.Errorf("pgtest: %s cannot follow %s of another cluster", s.name, other.name)
	}
	return nil
}

func (s *Server) followAt(other *Server) {
	s.follows.Store(other)
	s.gate.follow(other.port)
}

// awaitStream waits until s has the stream of the server that it follows.
func (s *Server) awaitStream(ctx context.Context) error {
	from := s.follows.Load()
	if err := s.streams(ctx, from); err != nil {
		return fmt.Errorf("pgtest: %s does not follow %s: %w: %s", s.name, from.name, err, lastLine(s.Log()))
	}
	return nil
}

// streams waits until both say so: one for the connection, the other for the
// timeline, since a server that has more than its new primary stays on the old one.
func (s *Server) streams(ctx context.Context, from *Server) error {
	const sends = "select exists (select from pg_stat_replication where application_name = $1 and state = 'streaming')"
	if err := from.until(ctx, sends, s.name); err != nil {
		return err
	}
	timeline, err := from.timeline(ctx)
	if err != nil {
		return err
	}
	return s.until(ctx, "select exists (select from pg_stat_wal_receiver where status = 'streaming' and received_tli = $1)", timeline)
}

// timeline is the line of history that a server writes or receives.
func (s *Server) timeline(ctx context.Context) (timeline int, err error) {
	return timeline, s.ask(ctx, &timeline, `select case when pg_is_in_recovery()
		then (select received_tli from pg_stat_wal_receiver)
		else ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int end`)
}

// Rebuild makes a server, running or not, anew as a replica of another, from a base
// backup. What it held is gone: that is how a primary that was replaced comes back.
// Like [Server.Follow] it does not wait for a stream that is held.
func (s *Server) Rebuild(ctx context.Context, other *Server) error {
	s.change.Lock()
	defer s.change.Unlock()
	if s == s.cluster.Primary() {
		return fmt.Errorf("pgtest: %s is the primary: promote another before it is rebuilt", s.name)
	}
	if err := s.mayFollow(other); err != nil {
		return err
	}
	if err := s.stop(ctx, Immediate); err != nil {
		return err
	}
	if err := s.backup(ctx, other); err != nil {
		return err
	}
	s.followAt(other)
	if err := s.start(ctx); err != nil || s.gate.held() {
		return err
	}
	return s.awaitStream(ctx)
}

// backup replaces the server's folder by a copy of another's.
func (s *Server) backup(ctx context.Context, other *Server) error {
	if err := os.RemoveAll(s.data); err != nil {
		return fmt.Errorf("pgtest: rebuilding %s: %w", s.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w := s.cluster.workshop
	err := run(ctx, w.as, s.cluster.dir, "", w.program("pg_basebackup"), "-d", w.connInfo(other.port),
		"-D", s.data, "--checkpoint=fast", "--wal-method=fetch", "--no-sync", "--no-manifest")
	if err != nil {
		return fmt.Errorf("pgtest: rebuilding %s: %w", s.name, err)
	}
	return s.markReplica()
}

// markReplica makes the server a replica when it starts.
func (s *Server) markReplica() error {
	return s.cluster.write(filepath.Join(s.data, "standby.signal"), "")
}
