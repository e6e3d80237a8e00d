package dashboard_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	cases := []struct {
		behaviour, host string
		ok              bool
	}{
		{"the address", "127.0.0.1:7600", true},
		{"without a port", "127.0.0.1", true},
		{"another loopback address", "127.0.0.2:7600", true},
		{"localhost", "localhost:7600", true},
		{"in capitals", "LocalHost:7600", true},
		{"a name under localhost", "homing.localhost:7600", true},
		{"IPv6", "[::1]:7600", true},
		{"IPv6 without a port", "[::1]", true},
		{"a name that was rebound", "evil.example:7600", false},
		{"one that looks like ours", "localhost.evil.example:7600", false},
		{"or ends like ours", "evillocalhost:7600", false},
		{"or has our address in it", "127.0.0.1.evil.example:7600", false},
		{"an address of the network", "192.168.1.10:7600", false},
		{"the unspecified address", "0.0.0.0:7600", false},
		{"none", "", false},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			for _, path := range []string{"GET /", "GET /state", "GET /page.js", "POST /regions/gru/stop"} {
				method, path, _ := strings.Cut(path, " ")
				world := newWorld()
				r := httptest.NewRequest(method, path, nil)
				r.Host = c.host
				w := httptest.NewRecorder()
				newPage(world).ServeHTTP(w, r)
				if ok := w.Code < 300; ok != c.ok || !ok && (w.Code != 421 || strings.Count(w.Body.String(), "\n") != 1 || world.calls != nil) {
					t.Errorf("%s %s: %d %q, calls %q", method, path, w.Code, w.Body, world.calls)
				}
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	cases := []struct {
		behaviour string
		header    []string
		ok        bool
	}{
		{"a program, which says nothing", nil, true},
		{"this page", []string{"Origin: http://" + host, "Sec-Fetch-Site: same-origin"}, true},
		{"this page in an old browser", []string{"Origin: http://" + host}, true},
		{"this page reads", []string{"Sec-Fetch-Site: same-origin"}, true},
		{"typed by the user", []string{"Sec-Fetch-Site: none"}, true},
		{"another website", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, false},
		{"another website in an old browser", []string{"Origin: https://evil.example"}, false},
		{"another website includes it, without an origin", []string{"Sec-Fetch-Site: cross-site"}, false},
		{"another port of this host", []string{"Origin: http://127.0.0.1:7602", "Sec-Fetch-Site: same-site"}, false},
		{"another port in an old browser", []string{"Origin: http://127.0.0.1:7602"}, false},
		{"another port reads", []string{"Sec-Fetch-Site: same-site"}, false},
		{"the app next door", []string{"Origin: http://gru.localhost:7602", "Sec-Fetch-Site: cross-site"}, false},
		{"this host by its other name", []string{"Origin: http://localhost:7600"}, false},
		{"another scheme", []string{"Origin: https://" + host}, false},
		{"a sandboxed frame or a file", []string{"Origin: null"}, false},
		{"an empty origin", []string{"Origin: "}, false},
		{"two origins", []string{"Origin: http://" + host, "Origin: https://evil.example"}, false},
		{"an origin that contradicts the site", []string{"Origin: https://evil.example", "Sec-Fetch-Site: same-origin"}, false},
		{"a site that contradicts the origin", []string{"Origin: http://" + host, "Sec-Fetch-Site: cross-site"}, false},
		{"a word we do not know", []string{"Sec-Fetch-Site: elsewhere"}, false},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			w := newWorld()
			h := newPage(w)
			read, write := ask(h, "GET", "/state", c.header...), ask(h, "POST", "/regions/gru/stop", c.header...)
			if c.ok && (read.Code != 200 || write.Code != 204) {
				t.Errorf("read %d, write %d", read.Code, write.Code)
			}
			if !c.ok && (read.Code != 403 || write.Code != 403 || w.calls != nil || strings.Count(write.Body.String(), "\n") != 1) {
				t.Errorf("read %d, write %d %q, calls %q", read.Code, write.Code, write.Body, w.calls)
			}
			if !c.ok && ask(h, "GET", "/events", c.header...).Code != 403 {
				t.Error("the events can be read")
			}
			if !c.ok && ask(h, "GET", "/metrics", c.header...).Code != 403 {
				t.Error("the metrics can be read")
			}
			for name := range read.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("it lets others in with %s", name)
				}
			}
		})
	}
}

func TestThePageCanBeReachedByALink(t *testing.T) {
	if got := ask(newPage(newWorld()), "GET", "/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"); got.Code != 200 {
		t.Error(got.Code)
	}
}
