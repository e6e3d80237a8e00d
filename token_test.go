package homing

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/machine"
	"homing/position"
	"homing/replay"
)

// tokenOf returns the token that an answer carries, in header and cookie alike,
// and that cookie; nil if it has none.
func tokenOf(t testing.TB, res *http.Response) (position.Token, *http.Cookie) {
	t.Helper()
	var set *http.Cookie
	for _, c := range res.Cookies() {
		if strings.HasPrefix(c.Name, replay.PositionCookiePrefix) && c.MaxAge > 0 {
			if set != nil {
				t.Errorf("two tokens: %q", res.Header["Set-Cookie"])
			}
			set = c
		}
	}
	if set == nil {
		if v := res.Header["Homing-Position"]; v != nil {
			t.Errorf("the header %q has no cookie", v)
		}
		return position.Token{}, nil
	}
	if got := res.Header["Homing-Position"]; !slices.Equal(got, []string{set.Value}) {
		t.Errorf("header %q, cookie %q", got, set.Value)
	}
	tok, err := position.Keys{}.Open(set.Value)
	if err != nil {
		t.Error(err)
	}
	return tok, set
}

func takenBack(res *http.Response) (names []string) {
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			names = append(names, strings.TrimPrefix(c.Name, replay.PositionCookiePrefix))
		}
	}
	slices.Sort(names)
	return names
}

func TestWhichAnswersCarryAToken(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		status       int
		commits      bool
		want         position.Position // empty: no token
	}{
		{"a write", "POST", 201, true, "6"},
		{"a write that redirects", "POST", 303, true, "6"},
		{"a write the app refuses", "POST", 422, false, "5"},
		{"a write that fails", "POST", 500, true, "6"},
		{"a write without a body", "DELETE", 204, true, "6"},
		{"a write nobody marked", "POST", 200, false, "5"},
		{"a read that wrote", "GET", 200, true, "6"},
		{"a HEAD that wrote", "HEAD", 200, true, "6"},
		{"a read", "GET", 200, false, ""},
		{"a read not modified", "GET", 304, false, ""},
		{"a preflight", "OPTIONS", 204, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := newDB(machine.Primary, "5")
			s := newSite(t, Config{Env: primaryIn(), Database: db})
			srv := serve(t, s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				if tt.commits {
					db.commit(r.Context()) // after the head was written, before it leaves
				}
			})))
			req, _ := http.NewRequest(tt.method, srv.URL, nil)
			res, err := srv.Client().Transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body(t, res)
			tok, c := tokenOf(t, res)
			if tok.Position != tt.want || res.StatusCode != tt.status {
				t.Errorf("got %d with %+v, want %d with %q", res.StatusCode, tok, tt.status, tt.want)
			}
			if c != nil && (c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.MaxAge != 300 || c.Domain != "") {
				t.Errorf("cookie %+v", c)
			}
			if private := res.Header.Get("Cache-Control") == "private"; private != (c != nil) {
				t.Errorf("Cache-Control %q", res.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestAReaderWhoCameHomeGetsNoToken(t *testing.T) {
	s := newSite(t, Config{Env: primaryIn(), Database: newDB(machine.Primary, "5")})
	for _, state := range []string{"stale", "threshold", "missing", "conflict", "down"} {
		res := do(s.Handler(http.HandlerFunc(hello)), request("GET", "/", replay.SourceHeader, "state="+state, "Cookie", cookie("a", token("4"))))
		if _, c := tokenOf(t, res); c != nil || takenBack(res) != nil {
			t.Errorf("%s: got %v, which renews for ever", state, res.Header)
		}
	}
}

func TestWithoutAPositionThereIsAWindow(t *testing.T) {
	long := position.Position(strings.Repeat("9", position.MaxTokenLen))
	for _, tt := range []struct {
		name    string
		change  func(*fakeDB)
		handler http.HandlerFunc
		waits   time.Duration
	}{
		{"the position fails", func(db *fakeDB) { db.fail = errors.New("no") }, hello, 0},
		{"the position hangs", func(db *fakeDB) {
			db.fail, db.onAsk = context.DeadlineExceeded, func(ctx context.Context) { <-ctx.Done() }
		}, hello, positionTimeout},
		{"the position is empty", func(db *fakeDB) { db.Advance("") }, hello, 0},
		{"the position is too long", func(db *fakeDB) { db.Advance(long) }, hello, 0},
		{"the epoch is not known", func(db *fakeDB) { db.state.Epoch = "" }, hello, 0},
		{"another is promoted meanwhile", func(db *fakeDB) {
			db.onAsk = func(context.Context) { db.set(func(db *fakeDB) { db.state.Epoch = "e2" }) }
		}, hello, 0},
		{"the answer was flushed", nil, func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }, 0},
		{"the answer is long", nil, func(w http.ResponseWriter, r *http.Request) { w.Write(big) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newDB(machine.Primary, "5")
				if tt.change != nil {
					tt.change(db)
				}
				s := newSite(t, Config{Env: primaryIn(), Database: db, Window: 7 * time.Second})
				begun := time.Now()
				res := do(s.Handler(tt.handler), request("POST", "/", "Cookie", cookie("a", token("4"))))
				tok, c := tokenOf(t, res)
				if want := begun.Add(tt.waits + 7*time.Second); !tok.HomeUntil.Equal(want) {
					t.Fatalf("got %+v, want home until %v", tok, want)
				}
				if c.MaxAge != 7 || res.StatusCode != 200 {
					t.Errorf("got %d, cookie %v", res.StatusCode, c)
				}
				if got := takenBack(res); got != nil {
					t.Errorf("the window takes back positions: %q", got)
				}
			})
		})
	}
}

func TestTheTokenDoesNotNeedItsClient(t *testing.T) {
	db := newDB(machine.Primary, "5")
	db.onAsk = func(ctx context.Context) {
		if ctx.Err() != nil {
			t.Error("the position is read with the client's context")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := newSite(t, Config{Env: primaryIn(), Database: db})
	res := do(s.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel() })), request("POST", "/").WithContext(ctx))
	if tok, _ := tokenOf(t, res); tok.Position != "5" {
		t.Errorf("got %+v", tok)
	}
}

func TestCookieAttributes(t *testing.T) {
	post := func(cfg Config, change func(*http.Request)) *http.Cookie {
		cfg.Env, cfg.Database = primaryIn(), newDB(machine.Primary, "5")
		r := request("POST", "/")
		change(r)
		_, c := tokenOf(t, do(newSite(t, cfg).Handler(http.HandlerFunc(hello)), r))
		return c
	}
	if c := post(Config{}, func(r *http.Request) { r.TLS = &tls.ConnectionState{} }); !c.Secure {
		t.Error("over TLS: not Secure")
	}
	if c := post(Config{}, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }); !c.Secure {
		t.Error("over the edge's TLS: not Secure")
	}
	if c := post(Config{CookieDomain: "example.com", TokenLife: 1500 * time.Millisecond}, func(*http.Request) {}); c.Domain != "example.com" || c.MaxAge != 2 {
		t.Errorf("got %v", c)
	}
	if c := post(Config{TokenLife: time.Millisecond}, func(*http.Request) {}); c.MaxAge != 1 {
		t.Errorf("a cookie that ends with the browser only: %v", c)
	}
}

func TestCachesAndScripts(t *testing.T) {
	for _, tt := range []struct{ name, cache, cors, expose, wantCache, wantExpose string }{
		{"nothing said", "", "", "", "private", ""},
		{"public", "public, max-age=60, S-MaxAge=9", "", "", "private, max-age=60", ""},
		{"no-store", "no-store", "", "", "no-store", ""},
		{"private already", "max-age=5, Private", "", "", "max-age=5, Private", ""},
		{"no-cache", "no-cache", "", "", "private, no-cache", ""},
		{"CORS", "", "https://a.example", "", "private", "Homing-Position"},
		{"CORS that exposes more", "", "*", "X-A", "private", "X-A,Homing-Position"},
	} {
		s := newSite(t, Config{Env: primaryIn(), Database: newDB(machine.Primary, "5")})
		res := do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, v := range map[string]string{"Cache-Control": tt.cache, "Access-Control-Allow-Origin": tt.cors, "Access-Control-Expose-Headers": tt.expose} {
				if v != "" {
					w.Header().Set(name, v)
				}
			}
		})), request("POST", "/"))
		if got := res.Header.Get("Cache-Control"); got != tt.wantCache {
			t.Errorf("%s: Cache-Control %q, want %q", tt.name, got, tt.wantCache)
		}
		if got := strings.Join(res.Header["Access-Control-Expose-Headers"], ","); got != tt.wantExpose {
			t.Errorf("%s: exposed %q, want %q", tt.name, got, tt.wantExpose)
		}
	}
}

func TestWhatATokenTakesBack(t *testing.T) {
	hour := sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(time.Hour)})
	soon := sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(time.Second)})
	over := sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(-time.Second)})
	epoch := sealedBy(position.Keys{}, position.Token{Engine: "fake", Epoch: "e0", Position: "1"})
	engine := sealedBy(position.Keys{}, position.Token{Engine: "other", Epoch: "e1", Position: "1"})
	all := strings.Join([]string{
		"session=1", cookie("hour", hour), cookie("soon", soon), cookie("over", over), cookie("epoch", epoch), cookie("engine", engine),
		cookie("one", token("1")), cookie("two", token("2")), cookie("junk", "junk"), cookie("b@d", token("1")),
	}, "; ")
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    []string
	}{
		{"a position: what is covered, and nobody else's", hello, []string{"one", "over", "two"}},
		{"a window: windows that end before it", func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }, []string{"over", "soon"}},
	} {
		s := newSite(t, Config{Env: primaryIn(), Database: newDB(machine.Primary, "5")})
		if got := takenBack(do(s.Handler(tt.handler), request("POST", "/", "Cookie", all))); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAReadReplacesOnlyWhatItsTokenCovers(t *testing.T) {
	soon := sealedBy(position.Keys{}, position.Token{HomeUntil: time.Now().Add(time.Hour)})
	s := newSite(t, Config{Env: primaryIn(), Database: newDB(machine.Primary, "5")})
	cookies := cookie("a", token("1")) + ";" + cookie("b", token("2"))
	for i := range fewTokens {
		cookies += ";" + cookie(fmt.Sprint("w", i), soon)
	}
	if res := do(s.Handler(http.HandlerFunc(hello)), request("GET", "/", "Cookie", cookies)); len(res.Cookies()) > 0 {
		t.Errorf("two tokens were replaced: %q", res.Header["Set-Cookie"])
	}
	for i := range fewTokens {
		cookies += ";" + cookie(fmt.Sprint("p", i), token("3"))
	}
	res := do(s.Handler(http.HandlerFunc(hello)), request("GET", "/", "Cookie", cookies))
	if got := takenBack(res); !slices.Equal(got, []string{"a", "b", "p0", "p1", "p2", "p3"}) {
		t.Errorf("took back %q", got)
	}
	if tok, _ := tokenOf(t, res); tok.Position != "5" {
		t.Errorf("got %+v", tok)
	}
}

// TestParallelWritesLeaveTheNewestToken sends writes at the same time, some of
// them with the tokens of those before, and delivers the answers in any order.
func TestParallelWritesLeaveTheNewestToken(t *testing.T) {
	site, _ := url.Parse("http://app.example/")
	for seed := range 300 {
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		db := newDB(machine.Primary, "5")
		h := newSite(t, Config{Env: primaryIn(), Database: db}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				db.commit(r.Context())
			}
		}))
		replica := newDB(machine.Replica, "9999")
		far := newSite(t, Config{Env: replicaIn(), Database: replica}).Handler(http.HandlerFunc(hello))
		jar, _ := cookiejar.New(nil)
		var underway []*http.Response // carried out, not delivered
		delivered, most := 0, 0
		deliver := func() {
			i := rng.IntN(len(underway))
			res := underway[i]
			underway = slices.Delete(underway, i, i+1)
			jar.SetCookies(site, res.Cookies())
			if tok, _ := tokenOf(t, res); tok.Position != "" && res.Header.Get("X-Write") != "" {
				delivered = max(delivered, atoi(tok.Position))
			}
			// Whoever has all that the jar names has the newest write that was answered.
			newest := 0
			for _, c := range jar.Cookies(site) {
				if tok, err := (position.Keys{}).Open(c.Value); err == nil {
					newest = max(newest, atoi(tok.Position))
				}
			}
			if newest < delivered {
				t.Fatalf("seed %d: the newest token is %d, the newest answer %d", seed, newest, delivered)
			}
			most = max(most, len(jar.Cookies(site)))
		}
		for range 60 {
			r := request([]string{"POST", "POST", "GET"}[rng.IntN(3)], "/")
			for _, c := range jar.Cookies(site) {
				r.AddCookie(c)
			}
			to := h
			if r.Method == "GET" {
				replica.Advance(db.Reached()) // it has what it needs; answers may consolidate
				to = far
			}
			res := do(to, r)
			if r.Method == "POST" {
				res.Header.Set("X-Write", "1")
			}
			underway = append(underway, res)
			for len(underway) > 0 && (len(underway) == 20 || rng.IntN(2) == 0) {
				deliver()
			}
		}
		for len(underway) > 0 {
			deliver()
		}
		if most > 45 {
			t.Errorf("seed %d: the client had %d tokens", seed, most)
		}
	}
}

func atoi(p position.Position) (n int) {
	fmt.Sscan(string(p), &n)
	return n
}

// TestTokensDoNotPileUp follows one client through many requests.
func TestTokensDoNotPileUp(t *testing.T) {
	site, _ := url.Parse("http://app.example/")
	flush := func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }
	failing := newDB(machine.Primary, "5")
	failing.fail = errors.New("no")
	for _, tt := range []struct {
		name     string
		db       Database
		handler  http.HandlerFunc
		method   string
		parallel int
		seed     int // tokens that the client has at first
		end      int // how many it may have at last
	}{
		{"writes one after another", newDB(machine.Primary, "5"), hello, "POST", 1, 0, 1},
		{"writes that flush", newDB(machine.Primary, "5"), flush, "POST", 1, 0, 1},
		{"writes without a database", nil, hello, "POST", 1, 0, 1},
		{"writes while no position can be read", failing, hello, "POST", 1, 0, 1},
		{"writes at the same time", newDB(machine.Primary, "5"), hello, "POST", 10, 0, 10},
		{"reads at the same time", newDB(machine.Primary, "5"), hello, "GET", 10, 20, 4},
		{"reads while no position can be read", failing, hello, "GET", 10, 20, 20},
		{"few are left alone", newDB(machine.Primary, "5"), hello, "GET", 1, fewTokens, fewTokens},
		{"more than are looked at", newDB(machine.Primary, "5"), hello, "GET", 1, 100, 4},
	} {
		h := newSite(t, Config{Env: primaryIn(), Database: tt.db}).Handler(tt.handler)
		jar, _ := cookiejar.New(nil)
		for i := range tt.seed {
			jar.SetCookies(site, []*http.Cookie{{Name: replay.PositionCookiePrefix + fmt.Sprint(i), Value: token("1")}})
		}
		set := 0
		for range 20 {
			var answers []*http.Response
			for range tt.parallel {
				r := request(tt.method, "/")
				for _, c := range jar.Cookies(site) {
					r.AddCookie(c)
				}
				answers = append(answers, do(h, r))
			}
			set = 0
			for _, res := range answers {
				jar.SetCookies(site, res.Cookies())
				set += len(res.Cookies())
				if n := len(strings.Join(res.Header["Set-Cookie"], "\r\n")); n > 3000 {
					t.Errorf("%s: %d bytes of cookies in one answer", tt.name, n)
				}
			}
		}
		if n := len(jar.Cookies(site)); n > tt.end || n == 0 {
			t.Errorf("%s: %d tokens at last, want at most %d", tt.name, n, tt.end)
		}
		if tt.method == "GET" && set > 0 {
			t.Errorf("%s: reads still get %d cookies a round", tt.name, set)
		}
	}
}

func FuzzReadTokens(f *testing.F) {
	f.Add("homing-position-a="+token("5")+"; x=y;homing-position-=;;homing-position-a", token("6")+","+token("7"))
	f.Add(strings.Repeat("homing-position-a=1;", 100), "")
	f.Add("homing-position-a\r\nSet-Cookie: x=1.fake.e1.1", "\x00,,")
	s := newSite(f, Config{Env: primaryIn(), Database: newDB(machine.Primary, "5")})
	f.Fuzz(func(t *testing.T, cookies, header string) {
		h := http.Header{"Cookie": {cookies, cookies}, "Homing-Position": {header}}
		var c carried
		c.read(h, position.Keys{})
		if len(c.tokens) > manyTokens || c.cookies > len(c.tokens) {
			t.Errorf("%d tokens, %d cookies", len(c.tokens), c.cookies)
		}
		r := request("POST", "/")
		r.Header["Cookie"], r.Header["Homing-Position"] = h["Cookie"], h["Homing-Position"]
		rec := httptest.NewRecorder()
		s.Handler(http.HandlerFunc(hello)).ServeHTTP(rec, r)
		for _, line := range rec.Header()["Set-Cookie"] {
			if strings.ContainsAny(line, "\r\n\x00") || !strings.HasPrefix(line, replay.PositionCookiePrefix) {
				t.Errorf("set %q", line)
			}
		}
		if n := len(rec.Header()["Set-Cookie"]); n < 1 || n > 1+mostTakenBack || rec.Code != 200 {
			t.Errorf("%d with %d cookies", rec.Code, n)
		}
	})
}
