package sqlite

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"homing/position"
)

const (
	// aliveEvery is how often an idle feed says that it lives.
	aliveEvery = 3 * time.Second
	// feedPatience is how long either side waits for the other to take, or to
	// send, anything.
	feedPatience = 15 * time.Second
)

// feed serves a primary's changes to its replicas:
//
//	GET ?epoch=EPOCH&after=NUMBER     continue there
//	GET                               begin with a snapshot
type feed struct {
	p     *primary
	token string // of the Authorization header; "" is loopback only
}

func newFeed(p *primary) http.Handler { return &feed{p: p, token: feedToken(p.cfg.Secret)} }

// feedToken derives what goes over the wire, so that the secret itself does not.
func feedToken(secret string) string {
	if secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("homing sqlite feed v1"))
	return "Bearer " + hex.EncodeToString(mac.Sum(nil))
}

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "the feed is read with GET", http.StatusMethodNotAllowed)
		return
	}
	if !f.allows(r) {
		http.Error(w, "the feed is for replicas of this database only", http.StatusForbidden)
		return
	}
	epoch, after, err := resumeFrom(r)
	if err != nil {
		http.Error(w, "after: "+err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", feedType)
	w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(f.p.life, cancel)()

	s := newSender(f.p, w)
	if epoch == f.p.epoch {
		s.next = after + 1
	}
	defer f.p.pin(&s.next)()
	// Errors need no answer: the head is sent, and the follower comes again.
	if err := s.run(ctx); err != nil && ctx.Err() == nil {
		f.p.log.Debug("a follower's feed ended", "remote", r.RemoteAddr, "err", err)
	}
}

// allows compares the secret or, without one, wants both ends on this host. The
// Host header is looked at too, since a web page may have a browser on this host
// call a name that points here.
func (f *feed) allows(r *http.Request) bool {
	if f.token != "" {
		return hmac.Equal([]byte(r.Header.Get("Authorization")), []byte(f.token))
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && remote.Addr().Unmap().IsLoopback() && isLocalName(r.Host)
}

func isLocalName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

func resumeFrom(r *http.Request) (position.Epoch, uint64, error) {
	q := r.URL.Query()
	epoch := q.Get("epoch")
	if epoch == "" {
		return "", 0, nil
	}
	after, err := parseTXID(q.Get("after"))
	return position.Epoch(epoch), after, err
}

// sender writes one follower's feed.
type sender struct {
	p    *primary
	rc   *http.ResponseController
	w    *bufio.Writer
	fw   frameWriter
	next uint64 // the number of the change to send next; 0: snapshot. See primary.pin
}

func newSender(p *primary, w http.ResponseWriter) *sender {
	rc := http.NewResponseController(w)
	out := bufio.NewWriterSize(&patientWriter{w: w, rc: rc}, 32<<10)
	return &sender{p: p, rc: rc, w: out, fw: frameWriter{out}}
}

func (s *sender) run(ctx context.Context) error {
	if err := s.small(frameEpoch, string(s.p.epoch)); err != nil {
		return err
	}
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		changed := s.p.capture.changed() // before looking, so that none is missed
		if err := s.catchUp(ctx); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-alive.C:
			if err := s.small(frameAlive, ""); err != nil {
				return err
			}
		}
	}
}

// catchUp sends what the follower does not have.
func (s *sender) catchUp(ctx context.Context) error {
	newest, err := s.p.capture.newest()
	if err != nil {
		return err
	}
	if s.next == 0 || s.next > newest+1 {
		return s.snapshot(ctx)
	}
	for s.next <= newest && ctx.Err() == nil {
		err := s.change()
		if errors.Is(err, fs.ErrNotExist) {
			return s.snapshot(ctx) // pruned: it was away for too long
		} else if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *sender) change() error {
	file, err := s.p.capture.open(s.next)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f := frame{kind: frameChange, number: s.next, captured: info.ModTime()}
	if err := s.send(f, file); err != nil {
		return err
	}
	s.setNext(s.next + 1)
	return nil
}

func (s *sender) snapshot(ctx context.Context) error {
	number, r, err := s.p.capture.snapshot(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	s.setNext(number + 1)
	return s.send(frame{kind: frameSnapshot, number: number, captured: time.Now()}, r)
}

func (s *sender) send(f frame, payload io.Reader) error {
	if err := s.fw.begin(f); err != nil {
		return err
	}
	if _, err := io.Copy(s.fw, payload); err != nil {
		return err
	}
	return s.fw.end()
}

func (s *sender) small(kind byte, payload string) error {
	f := frame{kind: kind, captured: time.Now()}
	return errors.Join(s.send(f, strings.NewReader(payload)), s.flush())
}

func (s *sender) setNext(n uint64) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.next = n
}

func (s *sender) flush() error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	return s.rc.Flush()
}

// patientWriter gives each write its own time limit: a feed never ends, so the
// server's limits must not apply, and a follower that reads nothing must not
// hold a snapshot, and with it all checkpoints, forever.
type patientWriter struct {
	w  io.Writer
	rc *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	// A response that has no deadlines is written without.
	_ = p.rc.SetWriteDeadline(time.Now().Add(feedPatience))
	return p.w.Write(b)
}
