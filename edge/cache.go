package edge

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"strings"

	"homing/edge/recall"
	"homing/fleet"
	"homing/replay"
	"homing/route"
)

// caching is what the replay cache has to do with one request.
type caching struct {
	request  recall.Request
	session  *fleet.Session // the rule for it; nil: none, or the request shows no key
	hit      *recall.Entry  // says where this hop goes; nil: the cache does not
	asked    route.Wish     // without the hit
	bypassed bool           // the client may skip the cache, and does
	known    bool           // request and session are
}

// recall sends the first hop where the app has sent requests like this one, if
// that is cached. Nobody asked for it now, so there is no fly-replay-src.
func (t *trip) recall() {
	if t.edge.recall.IsEmpty() {
		return
	}
	c := &t.cache
	t.describe()
	e := t.edge.recall.Find(c.request)
	if e == nil {
		return
	}
	if e.AllowBypass && t.skips() {
		c.bypassed = true
		return
	}
	if t.mayEnter(c.request.App, e.Replay.App) != nil {
		t.edge.recall.Drop(e) // the app has to learn that it may not any more
		return
	}
	c.hit, c.asked = e, t.wish
	t.replays = 1
	t.follow(e.Replay, e.Origin, c.request.App)
	t.tellStatus(replay.CacheHit)
}

// askApp forgets a hit whose target could not be reached. As nothing was written to
// it, the request is as it was before.
func (t *trip) askApp() {
	t.edge.recall.Drop(t.cache.hit)
	t.wish, t.replays, t.cache.hit, t.rec.Cache = t.cache.asked, 0, nil, ""
	t.header.Del(replay.CacheStatusHeader)
}

// heed does what a machine that asks for a replay says about the cache, and has the
// next machine told where the replay comes from.
func (t *trip) heed(in replay.Instruction, from fleet.Machine) {
	c := &t.cache
	c.hit = nil
	t.describe()
	if err := t.order(in, from); err != nil {
		t.edge.cfg.Logger.Warn("the replay cache does not do what a machine asked for",
			"id", t.rec.ID, "app", from.App, "machine", from.ID, "reason", err)
	}
	if t.isFirst() && t.skips() && (in.Cache.AllowBypass || c.session != nil && c.session.AllowBypass) {
		c.bypassed = true
	}
	if c.bypassed {
		t.tellStatus(replay.CacheBypass)
	} else {
		t.tellStatus(replay.CacheMiss)
	}
}

// isFirst reports whether the replay that is being taken was asked for by the
// machine that got the request first. Only what that one says is cached: it belongs
// to the app that the request is for, and any other could draw requests to itself.
func (t *trip) isFirst() bool { return t.replays == 1 }

// order keeps a replay or forgets what is kept. The error says why it does not do
// what in orders.
func (t *trip) order(in replay.Instruction, from fleet.Machine) error {
	c := &t.cache
	if in.Cache.Invalidate {
		if cmp.Or(in.App, from.App) != c.request.App {
			return errors.New("it is emptied only by a replay back to the app that the request is for")
		}
		t.edge.recall.Forget(c.request)
		return nil
	}
	if c.session == nil && in.Cache.IsZero() {
		return nil // most ask for nothing, and what would keep them out is of no interest
	}
	why := in.Cacheable()
	if !t.isFirst() {
		why = errors.New("the request had been replayed before")
	}
	e := recall.Entry{Replay: in, Origin: from.ID}
	if c.session != nil && why == nil {
		e.TTL, e.AllowBypass = c.session.TTL, c.session.AllowBypass
		t.edge.recall.KeepSession(c.request, e)
	}
	if in.Cache.IsZero() {
		return nil
	}
	if why == nil {
		why = in.Cache.Fits(c.request.Host, c.request.Path)
	}
	if why != nil {
		return why
	}
	e.TTL, e.AllowBypass = in.Cache.TTL, in.Cache.AllowBypass
	return t.edge.recall.KeepPath(c.request, in.Cache.Pattern.Path, e)
}

// skips reports whether the client asks for the app to be asked.
func (t *trip) skips() bool {
	return replay.SkipsCache(slices.Collect(t.in.header.Values(replay.CacheControlHeader)))
}

// tellStatus has the next machine told; of several, the record has the first.
func (t *trip) tellStatus(status string) {
	t.header.Set(replay.CacheStatusHeader, status)
	if t.rec.Cache == "" {
		t.rec.Cache = status
	}
}

// describe says, once, what the request's replays are cached under. It is called before
// any of them has changed the request.
func (t *trip) describe() {
	c := &t.cache
	if c.known {
		return
	}
	c.known = true
	c.request = recall.Request{App: t.app.Name, Port: t.wish.Port}
	host, ok := cacheHost(t.in.host)
	if !ok {
		return
	}
	c.request.Host = host
	c.request.Path, _ = replay.CachePath(t.in.target)
	c.session, c.request.Session = t.session(c.request.App, host, c.request.Path)
}

// maxHost is how long a DNS name can be.
const maxHost = 253

// cacheHost returns a Host header's name in the form of [replay.Pattern]: without
// the port and in lower case, brackets left around an IPv6 address. It is false for
// what is no name.
func cacheHost(host string) (string, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		if host = name; strings.Contains(name, ":") {
			host = "[" + name + "]"
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, len(host) <= maxHost
}
