package homing

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"homing/decision"
	"homing/homeward"
	"homing/machine"
	"homing/position"
	"homing/replay"
)

// Replay says who takes a request to the primary's region.
type Replay string

const (
	// Proxy, the default: somebody in front of the app carries out fly-replay, as
	// Fly's proxy and an edge of ours do. On Fly a body that is too large for that is
	// forwarded all the same, if there is a secret.
	Proxy Replay = "proxy"
	// Forward: the handler sends the request to [Config.PrimaryURL] itself, and passes
	// the answer on. For a cloud's load balancer, nginx or Kubernetes in front.
	Forward Replay = "forward"
)

var replays = []Replay{Proxy, Forward}

// ParseReplay reads one of the two words.
func ParseReplay(s string) (Replay, error) {
	if r := Replay(strings.ToLower(s)); slices.Contains(replays, r) {
		return r, nil
	}
	return "", fmt.Errorf("want proxy or forward, not %q", s)
}

// resolveReplay is the part of [Config.resolve] that is about going home.
func (c *Config) resolveReplay(used *settled) {
	inStruct := pick(&c.Replay, c.Env.Replay)
	pick(&c.Replay, Proxy)
	used.note("Replay", c.Replay, inStruct)
	inStruct = pick(&c.PrimaryURL, c.Env.PrimaryURL)
	shown := c.PrimaryURL
	if shown != "" && homeward.CheckURL(shown) != nil {
		shown = "not usable" // what is wrong with it may be a password
	}
	used.note("PrimaryURL", shown, inStruct)
}

// checkReplay is the part of [Config.validate] that is about going home.
func (c Config) checkReplay(keys position.Keys) error {
	if c.Region == "" || c.Mode != On {
		return nil // nothing is decided, so nothing else matters
	}
	var errs []error
	if _, err := ParseReplay(string(c.Replay)); err != nil {
		errs = append(errs, fmt.Errorf("homing: Replay: %w", err))
	}
	if c.PrimaryURL != "" {
		if err := homeward.CheckURL(c.PrimaryURL); err != nil {
			errs = append(errs, fmt.Errorf("homing: HOMING_PRIMARY_URL (PrimaryURL): %w", err))
		}
	}
	if c.Replay == Forward && c.PrimaryURL == "" {
		errs = append(errs, errors.New("homing: HOMING_REPLAY=forward needs to know where the primary is reached; "+
			`set HOMING_PRIMARY_URL (PrimaryURL), such as "https://primary.example.com"`))
	}
	if c.Replay == Forward && keys.IsZero() {
		errs = append(errs, errors.New("homing: HOMING_REPLAY=forward signs what it sends; "+
			"set HOMING_SECRET (Secret), at least 16 bytes and the same in every region"))
	}
	return errors.Join(errs...)
}

// newWay returns the way home on which the handler sends requests itself; nil where
// it never does.
func (s *Site) newWay() (*homeward.Way, error) {
	url := s.cfg.PrimaryURL
	if s.cfg.Replay == Proxy {
		if !s.onFly() || s.keys.IsZero() {
			return nil, nil
		}
		if url == "" {
			url = s.flyURL()
		}
	}
	way, err := homeward.New(homeward.Config{URL: url, From: s.cfg.Region, Keys: s.keys})
	if err != nil {
		return nil, fmt.Errorf("homing: %w", err)
	}
	return way, nil
}

// flyReplays is how many bytes a body may have that Fly's proxy replays. Fly documents
// "1MB" (https://fly.io/docs/networking/dynamic-request-routing/), which is at least
// this.
const flyReplays = 1_000_000

// onFly reports whether Fly's own proxy is in front of this machine.
func (s *Site) onFly() bool { return s.cfg.Env.App != "" && s.cfg.Env.ID != "" && !s.cfg.Env.Edge }

// flyURL is where Fly's private DNS has this app in the primary's region.
func (s *Site) flyURL() string {
	_, port, _ := net.SplitHostPort(s.cfg.Env.Addr())
	return "http://" + string(s.cfg.PrimaryRegion) + "." + string(s.cfg.Env.App) + ".internal:" + port
}

// passage is how a request gets home.
type passage uint8

const (
	nowhere passage = iota
	byReplay
	byForwarding
)

// passage says how this request would get home.
func (v *visit) passage() passage {
	s := v.site
	switch {
	case s.cfg.Replay == Forward && v.made.Role != machine.Primary:
		return byForwarding
	case v.r.Header.Get(replay.RegionHeader) == "":
		return nowhere
	case !s.onFly() || v.r.ContentLength >= 0 && v.r.ContentLength <= flyReplays:
		return byReplay
	case s.way == nil:
		s.tellOnce("fly", "homing: Fly's proxy does not replay bodies of more than 1 MB, and one of unknown length may be larger; "+
			"set HOMING_SECRET, and such requests are sent to the primary's region directly", "primary", v.home())
		return byReplay
	}
	return byForwarding
}

// keepBody keeps the request's body while the app reads it, if the handler may have
// to send it home afterwards.
func (v *visit) keepBody() {
	if v.site.way != nil && v.made.Role != machine.Primary && !v.wasForwarded() && v.r.ContentLength != 0 && v.passage() == byForwarding {
		v.upload = v.site.way.Keep(v.w, v.r)
	}
}

// forward sends the request home and answers it.
func (v *visit) forward() {
	s := v.site
	v.tell(v.w.Header())
	p := s.way.Send(v.w, v.r, homeward.Errand{
		To: v.home(), Reason: v.made.Reason, Writes: v.writes || v.foundToWrite(), Body: v.upload,
	})
	switch {
	case p == nil || p.Status == http.StatusBadRequest: // what is wrong with a request is its client's business
	case p.Status == http.StatusRequestEntityTooLarge:
		s.tellOnce("large "+routeOf(v.r), "homing: a request was refused (413): it turned out to write only after its body had been read, and that was larger than what is kept; "+
			"mark the route as writing", "route", routeOf(v.r), "by", s.cfg.Names.WriteRoutes)
	default:
		s.cfg.Logger.Warn("homing: a request could not be sent home", "to", v.home(), "status", p.Status, "problem", p.Text, "err", p.Err)
	}
}

// foundToWrite reports whether the request goes home for a write that its method and
// route do not tell of. A handler that asks for the primary may well write there.
func (v *visit) foundToWrite() bool {
	r := v.made.Reason
	return r == decision.Captured || r == decision.Method || r == decision.Asked
}

// readStamp reads what the request says of having been sent home.
func (v *visit) readStamp() {
	if !v.wasForwarded() {
		return
	}
	var err error
	if v.stamp, err = homeward.ReadStamp(v.site.keys, v.r, time.Now()); err != nil {
		v.site.tellOnce("stamp", "homing: a request says that it was sent home, and that is not believed; if it was, HOMING_SECRET must be the same in every region, "+
			"clocks must agree, and whoever is in between must keep Host and path", "err", err)
	}
}

// wasForwarded reports whether the request says that it was sent home, to be believed
// or not. One that does is not sent on by us: it might go round in a circle.
func (v *visit) wasForwarded() bool { return len(v.r.Header[replay.ForwardedHeader]) > 0 }

// mayGoOn reports whether a request that was sent home, but not to the primary, can
// be taken there by a proxy in front: once, since it tells of that.
func (v *visit) mayGoOn() bool {
	return !v.stamp.IsZero() && v.r.Header[replay.SourceHeader] == nil && v.passage() == byReplay
}

// refuseAgain answers a request that was sent home before, and is not there.
func (v *visit) refuseAgain() {
	here, from := string(v.site.cfg.Region), "another region"
	mend := "correct HOMING_PRIMARY_URL there, or PRIMARY_REGION"
	if !v.stamp.IsZero() {
		from = string(v.stamp.From)
		mend = "correct HOMING_PRIMARY_URL in " + from + ", or PRIMARY_REGION"
	}
	text := "homing: this request was sent home from " + from + ", but the primary is not in " + here + ", where it arrived: " + mend + "."
	v.site.tellOnce("again "+from, text)
	v.made.Reason = decision.Returned
	v.w.Header().Set("Connection", "close") // the next may find the primary elsewhere by the same name
	v.refuse(http.StatusLoopDetected, text)
}
