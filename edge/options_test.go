package edge_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"homing/edge"
	"homing/fleet"
)

// withOptions is a change of the edge's configuration: the app "web" has options,
// and "plain", at plain.test, has none.
func withOptions(t *testing.T, o fleet.Options, machines ...fleet.Machine) func(*edge.Config) {
	f := fleet.New(distances, machines...)
	if err := f.SetApps(fleet.App{Name: "web", Options: o}, fleet.App{Name: "plain", Hosts: []string{"plain.test"}}); err != nil {
		t.Fatal(err)
	}
	return func(c *edge.Config) { c.Fleet = f }
}

// sets returns an option that sets a header of answers, or removes it.
func sets(name string, values ...string) fleet.AnswerHeader {
	return fleet.AnswerHeader{Name: name, Values: values}
}

func TestPristineAnswersAreTheMachinesOwn(t *testing.T) {
	near := says(t, "near", "ams", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nServer: app/1\r\nVia: 1.1 cache\r\n"+
		"Fly-Replay-Cache: invalidate\r\nHoming-Role: primary\r\nHoming-Decision: serve\r\nContent-Length: 2\r\n\r\nok")
	w := newWorld(t, withOptions(t, fleet.Options{Pristine: true}, near))
	got := w.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"103 Early Hints\r\n", "\r\nServer: app/1\r\n", "\r\nVia: 1.1 cache\r\n"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not once in\n%s", want, got)
		}
	}
	for _, not := range []string{"Fly-", "homing", "Homing-"} {
		if strings.Contains(got, not) {
			t.Errorf("%q is in\n%s", not, got)
		}
	}
	if r := w.record(); r.ID == "" || r.Status != 200 {
		t.Errorf("record %+v", r)
	}
}

func TestErrorsSayWhatTheyAreOfPristineAppsToo(t *testing.T) {
	w := newWorld(t, withOptions(t, fleet.Options{Pristine: true}))
	wantProblem(t, w.do("GET", "/", ""), 503, "PR01", "")
}

func TestAnAppsOptionsChangeItsAnswers(t *testing.T) {
	options := fleet.Options{Answer: []fleet.AnswerHeader{
		sets("x-frame-options", "DENY"), sets("X-Powered-By"), sets("Via"), sets("Link", "<a>", "<b>"), sets("Server", "café"), sets("X-Empty", ""),
	}}
	for behaviour, status := range map[string]string{"an answer": "200 OK", "an error of the app": "500 Oops", "nothing new": "304 Not Modified"} {
		t.Run(behaviour, func(t *testing.T) {
			near := says(t, "near", "ams", "HTTP/1.1 103 Early Hints\r\nX-Powered-By: early\r\n\r\nHTTP/1.1 "+status+
				"\r\nX-Frame-Options: ALLOW\r\nX-Powered-By: app\r\nLink: <c>\r\nOwn: stays\r\nContent-Length: 0\r\n\r\n")
			w := newWorld(t, withOptions(t, options, near))
			r := w.request("GET", "/", nil)
			early := ""
			trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				early = h.Get("X-Powered-By") + h.Get("X-Frame-Options")
				return nil
			}}
			a := w.send(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
			got := fmt.Sprint(a.header["X-Frame-Options"], a.header["X-Powered-By"], a.header["Via"], a.header["Link"],
				a.header["Server"], a.header["X-Empty"], a.header["Own"], early)
			if want := "[DENY] [] [] [<a> <b>] [café] [] [stays]early"; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestAnAppsOptionsChangeTheAnswerToAnUpgrade(t *testing.T) {
	w := newWorld(t, withOptions(t, fleet.Options{Pristine: true, Answer: []fleet.AnswerHeader{sets("X-Added", "1")}}, serving(t, "near", "ams", socket)))
	_, _, resp := shake(t, w.addr, "")
	if resp.Header.Get("X-Added") != "1" || resp.Header.Get("Upgrade") != "echo/1" || !strings.EqualFold(resp.Header.Get("Connection"), "upgrade") || resp.Header.Get("Via") != "" {
		t.Errorf("the head is %v", resp.Header)
	}
}

// TestErrorsCarryWhatAnAppAdds: but nothing of it makes an error look like, or be
// kept as, an answer of the app.
func TestErrorsCarryWhatAnAppAdds(t *testing.T) {
	w := newWorld(t, withOptions(t, fleet.Options{Answer: []fleet.AnswerHeader{
		sets("Strict-Transport-Security", "max-age=1"), sets("Access-Control-Allow-Origin", "*"), sets("Cache-Control", "public"),
		sets("Content-Type", "text/html"), sets("Content-Encoding", "gzip"), sets("Expires", "later"), sets("Fly-Request-Id"), sets("Retry-After"),
	}}))
	a := w.do("GET", "/", "")
	wantProblem(t, a, 503, "PR01", "")
	got := fmt.Sprint(a.header["Strict-Transport-Security"], a.header["Access-Control-Allow-Origin"], a.header["Cache-Control"],
		a.header["Content-Type"], a.header["Content-Encoding"], a.header["Expires"], a.header["Retry-After"])
	if want := "[max-age=1] [*] [no-store] [text/plain; charset=utf-8] [] [] [1]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestTheOptionsAreThoseOfTheAppThatWasAddressed: what a browser keeps of them, it
// keeps for the host.
func TestTheOptionsAreThoseOfTheAppThatWasAddressed(t *testing.T) {
	far := serving(t, "far", "ord", hello)
	far.App = "api"
	f := fleet.New(distances, serving(t, "near", "ams", replays("app=api")), far)
	if err := f.SetApps(
		fleet.App{Name: "web", Hosts: []string{"web.test"}, Options: fleet.Options{Answer: []fleet.AnswerHeader{sets("Whose", "web")}}},
		fleet.App{Name: "api", Hosts: []string{"api.test"}, Options: fleet.Options{Pristine: true, Answer: []fleet.AnswerHeader{sets("Whose", "api")}}},
	); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	for host, want := range map[string]string{"web.test": "web homing", "api.test": "api "} {
		r := w.request("GET", "/", nil)
		r.Host = host
		if a := w.send(r); a.body != "hello" || a.header.Get("Whose")+" "+a.header.Get("Server") != want {
			t.Errorf("%s: %+v, want %q", host, a, want)
		}
	}
}

func TestRequestsWithoutTLSAreRedirected(t *testing.T) {
	var asked counter
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) { asked.Add(1); io.Copy(io.Discard, r.Body) })
	w := newWorld(t, withOptions(t, fleet.Options{ForceHTTPS: true}, near))
	for behaviour, tc := range map[string]struct{ head, status, location string }{
		"a GET":                    {"GET /a%2Fb?c=d HTTP/1.1\r\nHost: app.test", "301", "https://app.test/a%2Fb?c=d"},
		"a HEAD, and a port":       {"HEAD // HTTP/1.1\r\nHost: App.test:8080", "301", "https://App.test//"},
		"a POST keeps its method":  {"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000", "308", "https://app.test/"},
		"one that waits to send":   {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1", "308", "https://a/"},
		"an address":               {"GET / HTTP/1.1\r\nHost: [::1]:8080", "301", "https://[::1]/"},
		"an address without port":  {"GET / HTTP/1.1\r\nHost: [::1]", "301", "https://[::1]/"},
		"OPTIONS *":                {"OPTIONS * HTTP/1.1\r\nHost: a", "308", "https://a/"},
		"an absolute target":       {"GET http://a/x HTTP/1.1\r\nHost: a", "301", "https://a/x"},
		"an upgrade":               {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket", "301", "https://a/"},
		"a client without a host":  {"GET / HTTP/1.0", "400", ""},
		"a client that says https": {"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https", "301", "https://a/"},
		"another app":              {"GET / HTTP/1.1\r\nHost: plain.test", "503", ""},
	} {
		t.Run(behaviour, func(t *testing.T) {
			c := w.dial()
			io.WriteString(c, tc.head+"\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "HEAD"})
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(resp.StatusCode) != tc.status || resp.Header.Get("Location") != tc.location || resp.Header.Get("Fly-Request-Id") == "" {
				t.Errorf("got %d to %q, want %s to %q", resp.StatusCode, resp.Header.Get("Location"), tc.status, tc.location)
			}
			if r := w.record(); len(r.Hops) > 0 || fmt.Sprint(r.Status) != tc.status {
				t.Errorf("record %+v", r)
			}
		})
	}
	if asked.Load() > 0 {
		t.Error("a machine was asked")
	}
}

func TestRequestsOverTLSAreServed(t *testing.T) {
	w := newWorld(t, withOptions(t, fleet.Options{ForceHTTPS: true}, serving(t, "near", "ams", hello)))
	certified := httptest.NewUnstartedServer(nil) // for its certificate alone
	certified.StartTLS()
	defer certified.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	srv := w.edge.Server()
	defer srv.Close()
	go srv.Serve(l)
	resp, err := certified.Client().Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, _ := io.ReadAll(resp.Body); string(got) != "hello" {
		t.Errorf("got %d %q", resp.StatusCode, got)
	}
}

func TestAnEdgeWithoutTLSRedirectsNobody(t *testing.T) {
	force := withOptions(t, fleet.Options{ForceHTTPS: true}, serving(t, "near", "ams", hello))
	w := newWorld(t, func(c *edge.Config) { force(c); c.NoTLS = true })
	if a := w.do("GET", "/", ""); a.body != "hello" {
		t.Errorf("got %+v", a)
	}
}

func TestAnUnsafeHostIsNotRedirectedTo(t *testing.T) {
	w := newWorld(t, withOptions(t, fleet.Options{ForceHTTPS: true}))
	for _, host := range []string{"a@b", "a/b", `a\b`, "a?b", "a#b", ""} {
		r, out := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder() // past what package wire refuses
		r.Host = host
		w.edge.ServeHTTP(out, r)
		if out.Code != 400 || out.Header().Get("Location") != "" {
			t.Errorf("%q: %d to %q", host, out.Code, out.Header().Get("Location"))
		}
	}
}

func TestAKeyMakesARequestSafeToRepeatWhereTheAppSaysSo(t *testing.T) {
	const key = "Idempotency-Key"
	for behaviour, tc := range map[string]struct {
		idempotent bool
		header     []string
		status     int
	}{
		"a key, and an app that knows keys": {true, []string{key, "k"}, 200},
		"no key":                            {true, nil, 502},
		"an empty key":                      {true, []string{key, ""}, 502},
		"two keys":                          {true, []string{key, "k", key, "l"}, 502},
		"an app that says nothing of keys":  {false, []string{key, "k"}, 502},
	} {
		t.Run(behaviour, func(t *testing.T) {
			breaks := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br); reset(c) })
			w := newWorld(t, withOptions(t, fleet.Options{Idempotent: tc.idempotent}, breaks, serving(t, "far", "ord", echo)))
			if a := w.do("POST", "/", "body", tc.header...); a.status != tc.status || a.status == 200 && a.body != "body" {
				t.Errorf("got %+v, want %d", a, tc.status)
			}
		})
	}
}

func TestAKeyDoesNotMakeAReplayedRequestSafe(t *testing.T) {
	breaks := raw(t, "far", "ord", func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br); reset(c) })
	w := newWorld(t, withOptions(t, fleet.Options{Idempotent: true}, serving(t, "near", "ams", replays("region=ord,gru")), breaks, serving(t, "more", "gru", hello)))
	if a := w.do("POST", "/", "", "Idempotency-Key", "k"); a.status != 502 {
		t.Errorf("got %+v", a)
	}
}
