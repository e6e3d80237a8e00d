package homing

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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
	// mostTakenBack is how many cookies one answer takes back. More would make a
	// head that proxies refuse; the next answer takes back the rest.
	mostTakenBack = 16
)

// carried is what a client's request says about its earlier writes.
type carried struct {
	tokens  []carriedToken  // those that are ours
	first   [1]carriedToken // room for what most clients carry at most
	cookies int             // how many of them came in a cookie
	seen    int             // ours or not
	tooMany bool
}

type carriedToken struct {
	position.Token
	cookie string // its name; empty for a token from the header
}

// read collects the tokens of a request, from cookies and from the header
// Homing-Position. What is malformed or forged is left out: it may be another
// app's, or from before a secret changed, and must cost the client nothing.
func (c *carried) read(h http.Header, keys position.Keys) {
	c.tokens = c.first[:0]
	for _, line := range h[replay.PositionHeader] {
		for value := range strings.SplitSeq(line, ",") { // browsers join what repeats
			c.add("", strings.Trim(value, " \t"), keys)
		}
	}
	for _, line := range h["Cookie"] {
		for name, value := range cookiesWith(replay.PositionCookiePrefix, line) {
			if c.tooMany {
				break
			}
			c.add(name, value, keys)
		}
	}
}

func (c *carried) add(cookie, value string, keys position.Keys) {
	if c.seen++; c.seen > manyTokens {
		c.tooMany = true
		return
	}
	t, err := keys.Open(value)
	if err != nil {
		return
	}
	c.tokens = append(c.tokens, carriedToken{t, cookie})
	if cookie != "" {
		c.cookies++
	}
}

// coveredBy returns the cookies that t, read after they came, makes superfluous.
// A position covers those of its own line of history: all have been issued
// before. It covers no time that is not over, since whoever got that may be
// writing still; and a time covers no position, which would be gone when it ends.
func (c *carried) coveredBy(t position.Token, now time.Time) []string {
	var names []string
	for _, old := range c.tokens {
		var covered bool
		switch {
		case old.IsWindow() && t.IsWindow():
			covered = !old.HomeUntil.After(t.HomeUntil)
		case old.IsWindow():
			covered = !old.HomeUntil.After(now)
		default:
			covered = old.Engine == t.Engine && old.Epoch == t.Epoch
		}
		if covered && old.cookie != "" && len(names) < mostTakenBack {
			names = append(names, old.cookie)
		}
	}
	return names
}

// attachWrite puts the token of a request that may have written on its answer, in
// a cookie of its own: answers to writes at the same time may arrive in any
// order, and none may replace a newer one. For the same reason it takes back only
// cookies that came with its request.
func (v *visit) attachWrite(h http.Header, t sealed) {
	name := strings.ToLower(rand.Text()[:8])
	v.attach(h, t, name, v.carried.coveredBy(t.Token, time.Now()))
}

// attachInstead replaces many tokens by one, which shows all that they name.
// Answers to reads at the same time do so with the same cookie, or each would
// leave one more behind. Its name stands for what it replaces, so that a write's
// answer which is still under way cannot take it back.
func (v *visit) attachInstead(h http.Header) {
	t, known := v.site.now(v.r.Context())
	covered := v.carried.coveredBy(t.Token, time.Now())
	if !known || len(covered) <= fewTokens {
		return
	}
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(covered)), ";")))
	v.attach(h, t, hex.EncodeToString(sum[:6]), covered)
}

// attach puts a token on an answer and takes the covered cookies back.
func (v *visit) attach(h http.Header, t sealed, cookie string, covered []string) {
	for _, name := range covered {
		v.setCookie(h, name, "", -1)
	}
	life := v.site.cfg.TokenLife
	if t.IsWindow() {
		life = v.site.cfg.Window // it says nothing afterwards
	}
	seconds := int((life + time.Second - 1) / time.Second)
	v.setCookie(h, replay.PositionCookiePrefix+cookie, t.text, seconds)
	h.Set(replay.PositionHeader, t.text)
	keepPrivate(h)
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Add("Access-Control-Expose-Headers", replay.PositionHeader)
	}
}

func (v *visit) setCookie(h http.Header, name, value string, maxAge int) {
	c := http.Cookie{
		Name: name, Value: value, MaxAge: maxAge,
		Path: "/", Domain: v.site.cfg.CookieDomain, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: v.r.TLS != nil || v.r.Header.Get("X-Forwarded-Proto") == "https",
	}
	if s := c.String(); s != "" { // empty for a name that no cookie can have
		h.Add("Set-Cookie", s)
	}
}

// keepPrivate keeps shared caches from storing one client's token for others
// (RFC 9111 §5.2.2.7), unless the answer says something stricter.
func keepPrivate(h http.Header) {
	kept := []string{"private"}
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
	h.Set("Cache-Control", strings.Join(kept, ", "))
}
