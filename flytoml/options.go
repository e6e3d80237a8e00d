package flytoml

import (
	"cmp"
	"math"
	"net/textproto"
	"strings"
	"time"

	"homing/fleet"
	"homing/replay"
)

// options reads how requests and answers are treated, from a service or a port.
func options(s setting) fleet.Options {
	http := s.section("http_options")
	response := http.section("response")
	o := fleet.Options{
		ForceHTTPS:  s.get("force_https").flag(),
		HTTP2:       http.get("h2_backend").flag(),
		IdleTimeout: http.get("idle_timeout").duration(time.Second),
		BodyLimit:   http.get("replay_body_limit").number(0, math.MaxInt64, "a number of bytes"),
		Pristine:    response.get("pristine").flag(),
	}
	headers := response.section("headers")
	for _, h := range headers.all() {
		o.Answer = append(o.Answer, answerHeader(h, h.name(headers)))
	}
	for _, c := range http.get("replay_cache").tables() {
		o.Sessions = append(o.Sessions, session(c))
	}
	return o
}

// answerHeader reads a header's value, its values, or false for none. Values are
// not repeated in errors.
func answerHeader(s setting, name string) fleet.AnswerHeader {
	h := fleet.AnswerHeader{Name: textproto.CanonicalMIMEHeaderKey(name)}
	switch {
	case s.kind == boolean && s.node.text == "false":
	case s.kind == text || s.kind == list:
		h.Values = s.words()
	default:
		s.wrong("want text, a list of texts, or false to remove the header")
		return h
	}
	s.accepted(fleet.Options{Answer: []fleet.AnswerHeader{h}})
	return h
}

// session reads one rule of a replay cache.
func session(s setting) fleet.Session {
	before := len(s.notes.problems)
	path, ttl, name := s.get("path_prefix"), s.get("ttl_seconds"), s.get("name")
	out := fleet.Session{
		TTL:         ttl.duration(time.Second),
		AllowBypass: s.get("allow_bypass").flag(),
	}
	if !ttl.missing() && out.TTL < replay.MinCacheTTL && len(s.notes.problems) == before {
		ttl.wrong("want at least %v, not %v", replay.MinCacheTTL, out.TTL)
	}
	if !path.missing() {
		var err error
		if out.Pattern, err = replay.ParsePattern(cmp.Or(path.text(), "/")); err != nil {
			path.wrong("%v", err)
		}
	}
	switch s.get("type").word("cookie", "header") {
	case "cookie":
		out.Cookie = name.text()
	case "header":
		out.Header = textproto.CanonicalMIMEHeaderKey(name.text())
	}
	if len(s.notes.problems) == before {
		s.accepted(fleet.Options{Sessions: []fleet.Session{out}})
	}
	return out
}

// accepted notes what the fleet would refuse, where it can still be said which
// line it is. What counts is the fleet's to know.
func (s setting) accepted(o fleet.Options) {
	const name = "app"
	if err := fleet.New(nil).SetApps(fleet.App{Name: name, Options: o}); err != nil {
		s.wrong("%s", strings.TrimPrefix(err.Error(), "app "+name+": "))
	}
}
