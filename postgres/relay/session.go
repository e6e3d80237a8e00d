package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"homing/machine"
	"homing/postgres"
)

// session is one connection of the app, and the one to the server that it is for.
type session struct {
	relay  *Relay
	app    net.Conn
	server net.Conn
	began  time.Time

	turns   turns
	asks    asks
	answers answers
	hear    bool        // else what passes is not looked at
	left    atomic.Bool // the app has ended the connection
}

// run carries the session to its end, which ctx's is, too.
func (s *session) run(ctx context.Context) {
	defer s.app.Close()
	defer context.AfterFunc(ctx, func() { cut(s.app) })()
	first, err := greet(s.app)
	if err != nil {
		s.relay.explain(ctx, err)
		return
	}
	if first.code() == cancelRequest {
		s.relay.cancel(ctx, first)
		return
	}
	s.prepare(ctx, first)
	if s.server, err = dial(ctx, s.relay.cfg.Server); err != nil {
		s.sendAway(ctx, err)
		return
	}
	s.relay.reached()
	defer cut(s.server)
	defer context.AfterFunc(ctx, func() { cut(s.server) })()
	defer s.relay.add(s)()
	if _, err := s.server.Write(first); err == nil {
		s.carry()
	}
}

// prepare sets up what hears the two sides. The login is a turn, too: its end is the
// first time that the server is ready.
func (s *session) prepare(ctx context.Context, first greeting) {
	s.hear = !first.replicates()
	s.turns.begin(s.began)
	s.asks.turns = &s.turns
	s.answers.turns, s.answers.judge, s.answers.ctx = &s.turns, &s.relay.judge, ctx
	s.answers.tell, s.answers.status = s.relay.cfg.Tell, idle
}

// sendAway tells the app that the server cannot be reached, as a server would that
// takes no connections now: pg_isready and drivers know that code.
func (s *session) sendAway(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	why := postgres.Diagnose(err)
	s.relay.unreached(why)
	const code = "57P03" // cannot_connect_now
	at, _ := s.turns.now()
	s.answers.leave(s.relay.judge.unreached(ctx, code, machine.None), at, code)
	message := pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: "homing relay: " + why}
	if text, err := message.Encode(nil); err == nil {
		s.app.Write(text)
	}
}

// carry passes both ways until both have ended.
func (s *session) carry() {
	var up sync.WaitGroup
	up.Go(s.up)
	s.down()
	up.Wait()
}

// size is that of a buffer: several of what a server writes at once (8 KiB).
const size = 32 << 10

// grace is how long an app may take to notice that its server is gone, and to say
// what it was saying.
const grace = time.Second

// up passes what the app sends, and goes on listening where nobody is left to pass it
// to.
func (s *session) up() {
	defer s.left.Store(true)
	scan := scanner{looks: looksAtApp, tell: &s.asks, lost: !s.hear}
	buf, broken, buried := make([]byte, size), false, false
	for {
		n, err := s.app.Read(buf)
		scan.scan(buf[:n])
		if s.asks.left {
			s.left.Store(true)
		}
		if s.asks.unheard && !buried {
			buried = true
			s.bury()
		}
		if n > 0 && !broken {
			if _, err := s.server.Write(buf[:n]); err != nil {
				broken = true
				s.server.SetReadDeadline(time.Now().Add(grace)) // it may have said why
			}
		}
		if err != nil {
			s.left.Store(true)
			closeWrite(s.server)
			return
		}
	}
}

// bury tells what becomes of a statement for a server that went away before it, while
// the app did not use the connection and did not notice.
func (s *session) bury() {
	a := &s.answers
	at, _ := s.turns.now()
	a.leave(a.judge.unreached(a.ctx, connectionLost, a.self), at, "")
	s.app.SetReadDeadline(time.Now().Add(grace))
}

// down passes what the server sends, and at its end sees to the app's.
func (s *session) down() {
	defer cut(s.server)
	scan := scanner{looks: looksAtServer, tell: &s.answers, lost: !s.hear}
	err := s.copyDown(func(piece []byte) error {
		scan.scan(piece)
		if _, err := s.app.Write(piece); err != nil {
			return errAppGone
		}
		return nil
	})
	if errors.Is(err, errAppGone) {
		cut(s.app)
		return
	}
	if s.hear && scan.lost {
		s.relay.cfg.Logger.Warn("relay: what the server sent is not PostgreSQL's protocol as it is known; it was passed on unseen")
	}
	unused := s.hear && s.answers.ended(s.left.Load())
	closeWrite(s.app)
	if !unused {
		s.app.SetReadDeadline(time.Now().Add(grace))
	}
}

var errAppGone = errors.New("relay: the app takes no more")

// copyDown gives pass what the server sends, until either has ended.
func (s *session) copyDown(pass func([]byte) error) error {
	if _, secure := s.server.(*tls.Conn); secure {
		if err := unbind(s.server, pass); err != nil {
			return err
		}
	}
	buf := make([]byte, size)
	for {
		n, err := s.server.Read(buf)
		if n > 0 {
			if err := pass(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}
