package homeward_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"homing/homeward"
)

func TestWhereAWayMayLead(t *testing.T) {
	for url, want := range map[string]string{
		"http://primary.example.com":        "",
		"https://primary.example.com:8443/": "",
		"http://[fdaa::3]:8080":             "",
		"primary.example.com":               "does not begin with either",
		"primary.example.com:8080":          "does not begin with either",
		"//primary.example.com":             "does not begin with either",
		"ftp://primary.example.com":         "does not begin with either",
		"http://":                           "no host",
		"http://:80":                        "no host",
		"http://a b":                        "no URL",
		"http://user:hunter2@host":          "user name or password",
		"http://user:hunter2@ho st":         "no URL",
		"http://hunter2:x":                  "no URL",
		"http://hunter2@host":               "user name or password",
		"http://host/app":                   "a path",
		"http://host?token=hunter2":         "a query",
		"http://host?":                      "a query",
		"http://host#x":                     "a query",
		"http://host:0":                     "its port",
		"http://host:65536":                 "its port",
		"":                                  "does not begin with either",
	} {
		err := homeward.CheckURL(url)
		switch {
		case (err == nil) != (want == ""):
			t.Errorf("%q: %v", url, err)
		case err != nil && (!strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n")):
			t.Errorf("%q: %v, want it to say %q", url, err, want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("a password is quoted: %v", err)
		}
	}
}

func TestAWayNeedsARegionAndAKey(t *testing.T) {
	for want, cfg := range map[string]homeward.Config{
		"URL":  {Keys: keys(t, secretA), From: "gru", URL: "host"},
		"From": {Keys: keys(t, secretA), URL: "http://host"},
		"Keys": {From: "gru", URL: "http://host"},
	} {
		if _, err := homeward.New(cfg); err == nil || want != "URL" && !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", want, err)
		}
	}
}

func TestHTTPS(t *testing.T) {
	leavesNothing(t)
	var conns atomic.Int32
	primary := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+r.Host+" "+r.Header.Get("X-Forwarded-Proto"))
	}))
	primary.EnableHTTP2 = true // on offer, and not to be chosen
	primary.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	primary.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	primary.StartTLS()
	t.Cleanup(primary.Close)
	believing := primary.Client().Transport.(*http.Transport).TLSClientConfig
	w := newWay(t, primary.URL, func(c *homeward.Config) { c.TLS = &tls.Config{RootCAs: believing.RootCAs} })
	srv := serving(t, sending(w))
	for range 3 {
		if a := ask(t, srv, "POST", "/", "hello", "Host", "app.test"); a.StatusCode != 200 || a.text != "HTTP/1.1 app.test http" {
			t.Errorf("got %d %q", a.StatusCode, a.text)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 3 writes, want them to share one", n)
	}
	a := ask(t, serving(t, sending(newWay(t, primary.URL))), "POST", "/", "hello")
	if a.StatusCode != 503 || !strings.Contains(a.text, "certificate") {
		t.Errorf("of a certificate that nobody has signed: %d %q", a.StatusCode, a.text)
	}
}

func TestAClientWithHTTP2(t *testing.T) {
	leavesNothing(t)
	primary := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Via-Seen", r.Header.Get("Via"))
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
		w.Header().Set(http.TrailerPrefix+"Digest", "x")
	})
	srv := httptest.NewUnstartedServer(sending(newWay(t, primary.URL)))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	a := askWith(t, srv, "POST", "/", zeros(1<<20), "Host", "app.test")
	if a.ProtoMajor != 2 || len(a.text) != 1<<20 || a.Header.Get("Via-Seen") != "2.0 homing" || a.Trailer.Get("Digest") != "x" {
		t.Errorf("%s: %d bytes, %v, %v", a.Proto, len(a.text), a.Header, a.Trailer)
	}
}
