package edge_test

import (
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/replay"
)

func below(path string, change func(*fleet.Session)) fleet.Session {
	s := fleet.Session{Pattern: replay.Pattern{Path: path}, TTL: time.Minute}
	if change(&s); s.Cookie == "" && s.Header == "" {
		s.Cookie = "sid"
	}
	return s
}

func TestWhatASessionFinds(t *testing.T) {
	cookie := func(s *fleet.Session) { s.Cookie = "sid" }
	header := func(s *fleet.Session) { s.Header = "tenant" }
	type h = []string
	for _, tt := range []struct {
		name   string
		rules  []fleet.Session
		near   string // its replay
		first  h      // header of the first request, for /app/x
		path   string // of the second
		second h
		want   string
	}{
		{"its cookie", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "a=b; sid=ann"}, "/app/y", h{"Cookie", "sid=ann;c=d"}, hit},
		{"among several lines", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app", h{"Cookie", "a=b", "Cookie", "sid=ann"}, hit},
		{"another's", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=bob"}, miss},
		{"its header", []fleet.Session{below("/app", header)}, "app=api", h{"Tenant", "ann"}, "/app/y", h{"Tenant", "ann"}, hit},
		{"another's header", []fleet.Session{below("/app", header)}, "app=api", h{"Tenant", "ann"}, "/app/y", h{"Tenant", "bob"}, miss},
		{"the cookie where a header is the key", []fleet.Session{below("/app", header)}, "app=api", h{"Tenant", "ann"}, "/app/y", h{"Cookie", "tenant=ann"}, miss},
		{"a cookie of a like name", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "SID=ann"}, "/app/y", h{"Cookie", "SID=ann"}, miss},
		{"no key", []fleet.Session{below("/app", cookie)}, "app=api", nil, "/app/y", nil, miss},
		{"no header", []fleet.Session{below("/app", header)}, "app=api", nil, "/app/y", nil, miss},
		{"an empty key", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid= ; a=b"}, "/app/y", h{"Cookie", "sid= ; a=b"}, miss},
		{"an empty header", []fleet.Session{below("/app", header)}, "app=api", h{"Tenant", ""}, "/app/y", h{"Tenant", ""}, miss},
		{"a repeated key", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann; sid=ann"}, "/app/y", h{"Cookie", "sid=ann; sid=ann"}, miss},
		{"a key repeated in another line", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann", "Cookie", "sid=bob"}, miss},
		{"a key that net/http would pass over", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann; sid=b o b"}, miss},
		{"a repeated header", []fleet.Session{below("/app", header)}, "app=api", h{"Tenant", "ann"}, "/app/y", h{"Tenant", "ann", "Tenant", "ann"}, miss},
		{"a header that the edge sets", []fleet.Session{below("/app", func(s *fleet.Session) { s.Header = "Fly-Client-Ip" })}, "app=api", h{"Fly-Client-Ip", "1"}, "/app", h{"Fly-Client-Ip", "2"}, hit},
		{"another path", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/", h{"Cookie", "sid=ann"}, miss},
		{"another rule for its path", []fleet.Session{below("/app", cookie), below("/app/y", header)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann"}, miss},
		{"the longest rule", []fleet.Session{below("/", header), below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann"}, hit},
		{"a rule for another host", []fleet.Session{below("/app", func(s *fleet.Session) { s.Pattern.Host = "example.org" })}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann"}, miss},
		{"a rule for its host", []fleet.Session{below("/app", func(s *fleet.Session) { s.Pattern.Host = "example.com" })}, "app=api", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann"}, hit},
		{"its cookie at another host", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "example.org/app", h{"Cookie", "sid=ann"}, miss},
		{"an encoded separator", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y%2fz", h{"Cookie", "sid=ann"}, miss},
		{"a state", []fleet.Session{below("/app", cookie)}, "app=api;state=s", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann"}, miss},
		{"elsewhere", []fleet.Session{below("/app", cookie)}, "app=api;elsewhere=true", h{"Cookie", "sid=ann"}, "/app/y", h{"Cookie", "sid=ann"}, miss},
		{"skipped where it may be", []fleet.Session{below("/app", func(s *fleet.Session) { s.AllowBypass = true })}, "app=api", h{"Cookie", "sid=ann"}, "/app/y",
			h{"Cookie", "sid=ann", "Fly-Replay-Cache-Control", "skip"}, bypass},
		{"skipped before it was cached", []fleet.Session{below("/app", func(s *fleet.Session) { s.AllowBypass = true })}, "app=api", nil, "/app/y",
			h{"Cookie", "sid=ann", "Fly-Replay-Cache-Control", "skip"}, bypass},
		{"skipped where it may not be", []fleet.Session{below("/app", cookie)}, "app=api", h{"Cookie", "sid=ann"}, "/app/y",
			h{"Cookie", "sid=ann", "Fly-Replay-Cache-Control", "skip"}, hit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := routed(t, orders(tt.near), described(tt.rules...))
			w.wantStatus(miss, "/app/x", tt.first...)
			w.wantStatus(tt.want, tt.path, tt.second...)
		})
	}
}

// A rule that was removed or changed finds nothing of what was cached under it.
func TestARuleThatChangesFindsNothing(t *testing.T) {
	plain := func(s *fleet.Session) { s.Cookie = "Sid" }
	for name, rules := range map[string][]fleet.Session{
		"removed":               nil,
		"another time":          {below("/app", func(s *fleet.Session) { s.Cookie, s.TTL = "Sid", 10*time.Second })},
		"a bypass":              {below("/app", func(s *fleet.Session) { s.Cookie, s.AllowBypass = "Sid", true })},
		"another name":          {below("/app", func(s *fleet.Session) { s.Cookie = "id" })},
		"a header of that name": {below("/app", func(s *fleet.Session) { s.Header = "Sid" })},
		"a longer path":         {below("/app/x", plain)},
	} {
		t.Run(name, func(t *testing.T) {
			var f *fleet.Fleet
			w := routed(t, orders("app=api"), func(c *edge.Config) { f = c.Fleet; described(below("/app", plain))(c) })
			header := []string{"Cookie", "Sid=ann; id=ann", "Sid", "ann"}
			w.wantStatus(miss, "/app/x", header...)
			w.wantStatus(hit, "/app/x", header...)
			described(rules...)(&edge.Config{Fleet: f})
			w.wantStatus(miss, "/app/x", header...)
		})
	}
}

// A replay may be cached for its session and, because the app says so, for all.
func TestASessionBesideAPath(t *testing.T) {
	w := routed(t, keeps("/app"), described(below("/app", func(*fleet.Session) {})))
	w.wantStatus(miss, "/app", "Cookie", "sid=ann")
	wantCached(t, w, 2)
	w.wantStatus(hit, "/app", "Cookie", "sid=bob")
	w.wantStatus(hit, "/app")
}
