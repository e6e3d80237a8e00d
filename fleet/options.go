package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"homing/replay"
)

// Options are how an app's requests and answers are treated, as in fly.toml's
// http_options. The zero value has the defaults of Fly's proxy.
type Options struct {
	// BodyLimit is how many bytes of a request's body are kept for a replay
	// (replay_body_limit). 0: the edge's.
	BodyLimit int64
	// HTTP2 says that the app's machines speak HTTP/2 without TLS (h2_backend), as
	// gRPC needs.
	HTTP2 bool
	// IdleTimeout ends an exchange or a tunnel in which no byte has moved in either
	// direction for so long (idle_timeout). 0: [DefaultIdleTimeout].
	IdleTimeout time.Duration
	// ForceHTTPS redirects what comes in without TLS (force_https). An edge on a
	// laptop does not.
	ForceHTTPS bool
	// Pristine keeps Fly-Request-Id, Via and Server out of the app's answers
	// (response.pristine).
	Pristine bool
	// Answer changes the headers of the app's answers (response.headers).
	Answer []AnswerHeader
	// Idempotent says that a request with an Idempotency-Key may be sent again like a
	// GET: the app recognises the second one. It is ours, and off by default.
	Idempotent bool
	// Sessions are the paths whose replays are cached by session (replay_cache).
	Sessions []Session
}

// DefaultIdleTimeout is how long nothing may move in an exchange where an app's
// options do not say.
const DefaultIdleTimeout = time.Minute

// Idle returns the idle timeout in force.
func (o *Options) Idle() time.Duration { return cmp.Or(o.IdleTimeout, DefaultIdleTimeout) }

// AnswerHeader replaces a header of an answer; without values it removes it.
type AnswerHeader struct {
	Name   string // in canonical form
	Values []string
}

// Session caches the replays of requests below a path, for each session by itself.
type Session struct {
	Pattern replay.Pattern // which requests; of those that match, the longest path counts
	TTL     time.Duration  // at least [replay.MinCacheTTL]
	// Cookie or Header names what holds the session's key: one of them is set.
	Cookie, Header string
	// AllowBypass lets clients skip the cache, see [replay.CacheControlHeader].
	AllowBypass bool
}

// reserved are the headers of an answer that an app's options cannot change: they
// frame the message, or belong to the edge.
var reserved = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// prepared returns o checked, as a copy with header names in canonical form.
func (o Options) prepared() (Options, error) {
	var errs []error
	if o.BodyLimit < 0 || o.IdleTimeout < 0 {
		errs = append(errs, errors.New("a limit or timeout cannot be negative"))
	}
	o.Answer, o.Sessions = slices.Clone(o.Answer), slices.Clone(o.Sessions)
	for i := range o.Answer {
		h := &o.Answer[i]
		h.Name, h.Values = textproto.CanonicalMIMEHeaderKey(h.Name), slices.Clone(h.Values)
		if err := h.check(); err != nil {
			errs = append(errs, err)
		}
	}
	for i := range o.Sessions {
		s := &o.Sessions[i]
		s.Header = textproto.CanonicalMIMEHeaderKey(s.Header)
		if err := s.check(); err != nil {
			errs = append(errs, fmt.Errorf("replay cache for %s: %w", s.Pattern, err))
		}
	}
	return o, errors.Join(errs...)
}

func (h *AnswerHeader) check() error {
	if !isToken(h.Name) || slices.Contains(reserved, h.Name) || strings.HasPrefix(h.Name, replay.Header) || strings.HasPrefix(h.Name, "Homing-") {
		return fmt.Errorf("the answer's header %.80q cannot be changed", h.Name)
	}
	for _, v := range h.Values {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return fmt.Errorf("the answer's header %s: a value holds a control character", h.Name)
		}
	}
	return nil
}

func (s *Session) check() error {
	switch {
	case s.Pattern.Path == "":
		return errors.New("it names no path")
	case s.TTL < replay.MinCacheTTL:
		return fmt.Errorf("its time is %v, and the least is %v", s.TTL, replay.MinCacheTTL)
	case (s.Cookie == "") == (s.Header == ""):
		return errors.New("want the name of a cookie or of a header, and not both")
	case !isToken(s.Cookie + s.Header):
		return fmt.Errorf("%.80q is no name of a cookie or header", s.Cookie+s.Header)
	}
	return nil
}

// isToken reports whether s can name a header or a cookie (RFC 9110 §5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
