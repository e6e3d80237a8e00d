package homing

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"homing/position"
	"homing/replay"
)

const (
	// fewTokens is how many tokens a client may carry before an answer that is
	// no write's replaces them by one. Only writes at the same time leave more
	// than one behind.
	fewTokens = 4
	// manyTokens is how many are looked at. A client that carries more reads at
	// the primary.
	manyTokens = 64
)

// carried is what a client's request says about its earlier writes.
type carried struct {
	tokens  []position.Token // those that are ours
	cookies []string         // names of all cookies that hold or held a token
	tooMany bool
}

// readTokens collects the tokens of a request, from cookies and from the header
// Homing-Position. What is malformed or forged is left out: it may be another
// app's, or from before a secret changed, and must cost the client nothing.
func readTokens(h http.Header, keys position.Keys) carried {
	var c carried
	for _, v := range h[replay.PositionHeader] {
		c.add(v, keys)
	}
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
			if !strings.HasPrefix(name, replay.PositionCookiePrefix) {
				continue
			}
			if len(c.cookies) == manyTokens {
				c.tooMany = true
				return c
			}
			c.cookies = append(c.cookies, name)
			c.add(value, keys)
		}
	}
	return c
}

func (c *carried) add(value string, keys position.Keys) {
	if len(c.tokens) == manyTokens {
		c.tooMany = true
		return
	}
	if t, err := keys.Open(value); err == nil {
		c.tokens = append(c.tokens, t)
	}
}

// attach puts a token on an answer and takes back the cookies whose tokens it
// covers: all that came with the request, if it names a position. Each token has a cookie of its own: answers to writes at the same
// time may arrive in any order, and none may replace a newer one.
func (s *Site) attach(h http.Header, r *http.Request, t position.Token, superseded ...string) {
	value, err := s.keys.Seal(t)
	if err != nil { // too long for a cookie: the time window serves instead
		s.cfg.Logger.Error("homing: the position cannot be written as a token; reads go home for a while instead", "err", err)
		t = position.Token{HomeUntil: s.windowEnd()}
		value, _ = s.keys.Seal(t)
	}
	if t.IsWindow() {
		superseded = nil // a time covers no position once it has passed
	}
	h.Set(replay.PositionHeader, value)
	fresh := replay.PositionCookiePrefix + strings.ToLower(rand.Text()[:6])
	s.setCookie(h, r, fresh, value, int(s.cfg.TokenLife/time.Second))
	for _, name := range superseded {
		s.setCookie(h, r, name, "", -1)
	}
	keepPrivate(h)
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Add("Access-Control-Expose-Headers", replay.PositionHeader)
	}
}

func (s *Site) windowEnd() time.Time { return time.Now().Add(s.cfg.Window) }

func (s *Site) setCookie(h http.Header, r *http.Request, name, value string, maxAge int) {
	c := http.Cookie{
		Name: name, Value: value, MaxAge: maxAge,
		Path: "/", Domain: s.cfg.CookieDomain, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
	if v := c.String(); v != "" { // empty for a name that no cookie can have
		h.Add("Set-Cookie", v)
	}
}

// keepPrivate keeps shared caches from storing one client's token for others
// (RFC 9111 §5.2.2.7), unless the answer says something stricter.
func keepPrivate(h http.Header) {
	kept := []string{}
	for part := range strings.SplitSeq(strings.Join(h["Cache-Control"], ","), ",") {
		part = strings.TrimSpace(part)
		name, _, _ := strings.Cut(strings.ToLower(part), "=")
		switch name {
		case "no-store", "private":
			return
		case "", "public", "s-maxage":
			continue
		}
		kept = append(kept, part)
	}
	h.Set("Cache-Control", strings.Join(slices.Insert(kept, 0, "private"), ", "))
}
