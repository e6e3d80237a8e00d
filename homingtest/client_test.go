package homingtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"homing"
	"homing/decision"
	"homing/homingtest"
	"homing/region"
)

// handling is an app without a database.
func handling(h http.HandlerFunc) func(homingtest.Machine) (http.Handler, error) {
	return func(m homingtest.Machine) (http.Handler, error) {
		site, err := homing.New(homing.Config{Env: m.Env, Database: m.Database, Logger: m.Logger})
		if err != nil {
			return nil, err
		}
		return site.Handler(h), nil
	}
}

func request(t testing.TB, method, target string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.Host, r.URL, r.Header.Get("Content-Type"), body)
}

func TestAClientAsksByPath(t *testing.T) {
	t.Parallel()
	w := homingtest.Start(t, homingtest.World{Regions: "ord gru", App: handling(echo)})
	c := w.Client("gru")
	do := func(req *http.Request) *homingtest.Response {
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	for _, tt := range []struct {
		got    *homingtest.Response
		want   string
		region region.Code
	}{
		{c.Get("/a?b=c%20d"), "GET app.test /a?b=c%20d  ", "gru"},
		{c.Post("/a", "text/plain", strings.NewReader("hello")), "POST app.test /a text/plain hello", "ord"},
		{c.PostForm("/a", url.Values{"b": {"c d"}}), "POST app.test /a application/x-www-form-urlencoded b=c+d", "ord"},
		{do(request(t, "DELETE", "/a")), "DELETE app.test /a  ", "ord"},
		{do(request(t, "GET", "http://shop.app.test/a")), "GET shop.app.test /a  ", "gru"},
		{do(httptest.NewRequest("GET", "/a", nil)), "GET example.com /a  ", "gru"},
	} {
		if tt.got.Status != http.StatusOK || tt.got.Body != tt.want || tt.got.Journey.Region != tt.region {
			t.Errorf("%d %q, want %q from %s: %v", tt.got.Status, tt.got.Body, tt.want, tt.region, tt.got.Journey)
		}
	}
	resp, err := c.HTTP().Get(homingtest.Origin + "/beneath")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); !strings.Contains(string(body), "/beneath") {
		t.Errorf("beneath: %q, %v", body, err)
	}
}

func TestAClientHasCookiesOfItsOwn(t *testing.T) {
	t.Parallel()
	w := homingtest.Start(t, homingtest.World{Regions: "ord", App: handling(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: "ana", Path: "/", Secure: true, HttpOnly: true})
		}
		if c, err := r.Cookie("__Host-session"); err == nil {
			io.WriteString(w, c.Value)
		}
	})})
	ana, ben := w.Client("ord"), w.Client("ord")
	ana.Get("/login")
	if a, b := ana.Get("/").Body, ben.Get("/").Body; a != "ana" || b != "" {
		t.Errorf("Ana is %q and Ben is %q", a, b)
	}
}

func TestAClientFollowsRedirectsWithinTheApp(t *testing.T) {
	t.Parallel()
	to := map[string]string{"/write": "/read", "/whole": homingtest.Origin + "/read", "/away": "http://elsewhere.test/", "/tls": "https://app.test/read", "/loop": "/loop"}
	w := homingtest.Start(t, homingtest.World{Regions: "ord gru", App: handling(func(w http.ResponseWriter, r *http.Request) {
		if next, ok := to[r.URL.Path]; ok {
			http.Redirect(w, r, next, http.StatusSeeOther)
		}
	})})
	c := w.Client("gru")
	for _, path := range []string{"/write", "/whole"} {
		got := c.PostForm(path, nil)
		if got.Status != http.StatusOK || got.Journey.Path != "/read" || got.Journey.Region != "gru" || c.Last().ID != got.Journey.ID {
			t.Errorf("%s ended with %d: %v", path, got.Status, got.Journey)
		}
		if b := got.Before; b == nil || b.Status != http.StatusSeeOther || b.Journey.Path != path || b.Journey.Region != "ord" ||
			b.Journey.Reason != decision.Method || b.Before != nil {
			t.Errorf("before the end of %s: %+v", path, b)
		}
	}
	for _, path := range []string{"/away", "/tls"} {
		if got := c.Get(path); got.Status != http.StatusSeeOther || got.Header.Get("Location") != to[path] || got.Before != nil {
			t.Errorf("%s, which leaves the app: %+v", path, got)
		}
	}
	if _, err := c.Do(request(t, "GET", "/loop")); err == nil || !strings.Contains(err.Error(), "redirected 10 times") {
		t.Errorf("a loop: %v", err)
	}
}

// TestEachClientKnowsItsLastJourney: a record may come after its answer, and those of
// others in between.
func TestEachClientKnowsItsLastJourney(t *testing.T) {
	t.Parallel()
	w := homingtest.Start(t, homingtest.World{Regions: "ord gru ams", App: handling(echo)})
	var clients sync.WaitGroup
	for i, r := range []region.Code{"ord", "gru", "ams", "gru", "ams", "ord"} {
		c := w.Client(r)
		clients.Go(func() {
			for n := range 50 {
				path := fmt.Sprintf("/%d/%d", i, n)
				got := c.Post(path, "text/plain", nil)
				if last := c.Last(); last.ID != got.Journey.ID || last.Path != path || last.Edge != r || last.Region != "ord" {
					t.Errorf("after POST %s in %s: %v", path, r, last)
				}
			}
		})
	}
	clients.Wait()
	c := w.Client("ams")
	for range 50 {
		if got := c.Get("/"); w.Last().ID != got.Journey.ID {
			t.Fatalf("the world's last journey is %v, want %v", w.Last(), got.Journey)
		}
	}
}
