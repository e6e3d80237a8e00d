package sidecar_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"homing"
	"homing/edge/misbehave"
	"homing/machine"
	"homing/sidecar"
	"homing/trail"
)

// around is a sidecar with a site around an app of net/http.
func around(t testing.TB, site *homing.Site, h http.HandlerFunc, change ...func(*sidecar.AppConfig)) *httptest.Server {
	return serving(t, site.Handler(newApp(t, serving(t, h).Listener.Addr().String(), change...)))
}

func witnessedBy(w sidecar.Witness) func(*sidecar.AppConfig) {
	return func(c *sidecar.AppConfig) { c.Witness = w }
}

func TestWhatIsSeenOfARequestDecides(t *testing.T) {
	const refused, wrote, conflict = trail.Refused, trail.Wrote, trail.Conflict
	for _, tt := range []struct {
		name   string
		role   machine.Role
		seen   trail.Mark // while the request is at the app
		status int
		said   string
		home   string // reason; empty: the app's answer stands
		token  bool
	}{
		{"a read", machine.Replica, 0, 200, "", "", false},
		{"a refusal and an error", machine.Replica, refused, 500, "", "captured", false},
		{"a refusal and another error", machine.Replica, refused, 503, "", "captured", false},
		{"another request's refusal", machine.Replica, refused, 200, "", "", false},
		{"a refusal that the app bears", machine.Replica, refused, 422, "", "", false},
		{"a conflict and an error", machine.Replica, conflict, 500, "", "conflict", false},
		{"an error of its own", machine.Replica, 0, 500, "", "", false},
		{"a refusal after something was committed", machine.Replica, refused | wrote, 500, "", "", true},
		{"an app that says that it was refused", machine.Replica, 0, 200, "refused", "captured", false},
		{"an app that says both", machine.Replica, 0, 500, "Wrote, refused", "", true},
		{"a commit at the primary", machine.Primary, wrote, 200, "", "", true},
		{"a commit at the primary, and an error", machine.Primary, wrote, 500, "", "", true},
		{"a refusal at the primary", machine.Primary, refused, 500, "", "", false},
		{"an app that says that it wrote", machine.Primary, 0, 200, "wrote", "", true},
		{"a word that means nothing", machine.Primary, 0, 200, "writes", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, length := range []string{"known", "unknown"} {
				w := new(saw)
				w.happens(refused | wrote | conflict) // before: nobody's business
				app := func(rw http.ResponseWriter, r *http.Request) {
					if tt.seen != 0 {
						w.happens(tt.seen)
					}
					if tt.said != "" {
						rw.Header().Set("Homing-Did", tt.said)
					}
					rw.WriteHeader(tt.status)
					if length == "unknown" {
						rw.(http.Flusher).Flush()
					}
					io.WriteString(rw, "the app's")
				}
				here := map[machine.Role]string{machine.Primary: "ord", machine.Replica: "gru"}[tt.role]
				srv := around(t, newSite(t, here, newDB(tt.role, "5")), app, witnessedBy(w), func(c *sidecar.AppConfig) { c.Quiet = time.Hour })
				a := ask(t, srv, "GET", "/", nil)
				if a.home() != tt.home || (a.text == "the app's") != (tt.home == "") || a.Header["Homing-Did"] != nil {
					t.Errorf("%s: home for %q with %q, want %q; %v", length, a.home(), a.text, tt.home, a.Header)
				}
				if token := a.Header.Get("Homing-Position"); (token != "") != tt.token || token != "" && len(a.Cookies()) == 0 {
					t.Errorf("%s: token %q", length, token)
				}
			}
		})
	}
}

func TestAMethodGoesHomeBeforeTheAppIsAsked(t *testing.T) {
	app := func(http.ResponseWriter, *http.Request) { t.Error("the app was asked") }
	srv := around(t, newSite(t, "gru", nil, func(c *homing.Config) { c.WriteRoutes = []string{"GET /logout"} }), app)
	if a := ask(t, srv, "POST", "/", zeros(1<<10)); a.home() != "method" {
		t.Errorf("got %d %v", a.StatusCode, a.Header)
	}
	if a := ask(t, srv, "GET", "/logout", nil); a.home() != "method" {
		t.Errorf("got %d %v", a.StatusCode, a.Header)
	}
}

// A token names a position although the framework answers in chunks.
func TestAnAnswerInChunksCarriesThePositionOfItsWrite(t *testing.T) {
	db := newDB(machine.Primary, "5")
	site := newSite(t, "ord", db)
	srv := around(t, site, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		io.WriteString(w, "ok")
	}, func(c *sidecar.AppConfig) { c.Quiet = time.Hour })
	a := ask(t, srv, "POST", "/", nil)
	if err := newSite(t, "gru", newDB(machine.Replica, "5")).Wait(expired(t), a.Header.Get("Homing-Position")); err != nil {
		t.Errorf("a replica at the same position waits: %v", err)
	}
}

func TestAStreamLeavesAfterAMomentAndIsNotSentHome(t *testing.T) {
	w, go1 := new(saw), make(chan struct{})
	srv := around(t, newSite(t, "gru", newDB(machine.Replica, "5")), func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(500)
		rw.(http.Flusher).Flush()
		<-go1
		w.happens(trail.Refused)
		io.WriteString(rw, "late")
	}, witnessedBy(w))
	r, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
	r.Header.Set("Fly-Region", "gru")
	res, err := srv.Client().Do(r)
	close(go1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 500 || string(text) != "late" {
		t.Errorf("got %d %q", res.StatusCode, text)
	}
}

func TestEventsAreNotHeld(t *testing.T) {
	heard := make(chan struct{})
	srv := around(t, newSite(t, "gru", newDB(machine.Replica, "5")), func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		io.WriteString(rw, "data: 1\n\n")
		rw.(http.Flusher).Flush()
		select {
		case <-heard:
		case <-r.Context().Done():
		}
	}, func(c *sidecar.AppConfig) { c.Quiet = time.Hour })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	r.Header.Set("Fly-Region", "gru")
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 9)); err != nil {
		t.Error(err)
	}
	close(heard)
}

func TestABodyThatIsTooLargeKeepsTheAppsAnswer(t *testing.T) {
	for _, tt := range []struct {
		size int
		home string
	}{{10, "captured"}, {11, ""}} {
		w := new(saw)
		log, said := logTo()
		site := newSite(t, "gru", newDB(machine.Replica, "5"), func(c *homing.Config) { c.ReadRoutes = []string{"POST /search"} })
		srv := around(t, site, func(rw http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.happens(trail.Refused)
			rw.WriteHeader(500)
		}, witnessedBy(w), func(c *sidecar.AppConfig) { c.BodyLimit, c.Logger = 10, log })
		for range 2 {
			if a := ask(t, srv, "POST", "/search", bytes.NewReader(make([]byte, tt.size))); a.home() != tt.home {
				t.Errorf("%d bytes: home for %q, want %q", tt.size, a.home(), tt.home)
			}
		}
		if n := strings.Count(said.String(), "--write-route"); n != map[bool]int{true: 1}[tt.home == ""] {
			t.Errorf("%d bytes: said %d times: %s", tt.size, n, said)
		}
	}
}

// Where nobody in front replays, a body that the app has read, or has begun to, is sent
// home with the request.
func TestARefusedRequestIsForwardedWithItsWholeBody(t *testing.T) {
	const size = 1 << 20
	home := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "at home: ", n, err)
	}))
	for name, app := range map[string]func(r *http.Request){
		"read": func(r *http.Request) { io.Copy(io.Discard, r.Body) }, "half read": func(r *http.Request) { io.CopyN(io.Discard, r.Body, 100) }, "not read": func(*http.Request) {},
	} {
		w := new(saw)
		site := newSite(t, "gru", newDB(machine.Replica, "5"), func(c *homing.Config) {
			c.ReadRoutes, c.Replay, c.PrimaryURL, c.Env.Edge = []string{"POST /search"}, homing.Forward, home.URL, false
		})
		srv := around(t, site, func(rw http.ResponseWriter, r *http.Request) {
			app(r)
			w.happens(trail.Refused)
			rw.WriteHeader(500)
		}, witnessedBy(w))
		if a := ask(t, srv, "POST", "/search", zeros(size)); a.text != fmt.Sprint("at home: ", size, nil) {
			t.Errorf("%s: got %d %q", name, a.StatusCode, a.text)
		}
	}
}

func TestWithoutASiteNothingIsMarkedOrHeld(t *testing.T) {
	site := newSite(t, "gru", nil, func(c *homing.Config) { c.Mode = homing.Off })
	srv := around(t, site, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Homing-Did", "refused")
		io.WriteString(rw, r.Method)
	})
	if a := ask(t, srv, "POST", "/", nil); a.text != "POST" || a.Header["Homing-Did"] != nil || a.Header.Get("Homing-Position") != "" {
		t.Errorf("got %q %v", a.text, a.Header)
	}
}

// A client that is slow to send the rest does not lose its request.
func TestARefusedRequestIsForwardedAsItsBodyComes(t *testing.T) {
	home := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		fmt.Fprint(w, "at home: ", string(text), err)
	}))
	w, refused := new(saw), make(chan struct{})
	site := newSite(t, "gru", newDB(machine.Replica, "5"), func(c *homing.Config) {
		c.ReadRoutes, c.Replay, c.PrimaryURL, c.Env.Edge = []string{"POST /search"}, homing.Forward, home.URL, false
	})
	srv := around(t, site, func(rw http.ResponseWriter, r *http.Request) {
		http.NewResponseController(rw).EnableFullDuplex() // or the rest would be read first
		io.ReadFull(r.Body, make([]byte, 3))
		w.happens(trail.Refused)
		rw.WriteHeader(500)
		rw.(http.Flusher).Flush()
		close(refused)
	}, witnessedBy(w))
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST /search HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\none"))
	<-refused
	// After the times that a client has which nobody listens to any more.
	<-time.After(100 * time.Millisecond)
	c.Do(misbehave.Say("two"))
	<-time.After(550 * time.Millisecond)
	c.Do(misbehave.Say("six"))
	if got := c.Heard(); !strings.HasSuffix(got, "at home: onetwosix<nil>") {
		t.Errorf("heard %q", got)
	}
}
