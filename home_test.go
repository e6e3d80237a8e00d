package homing

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"homing/decision"
	"homing/machine"
	"homing/replay"
	"homing/trail"
)

func refuse(r *http.Request) { trail.Leave(r.Context(), trail.Refused) }

// closeNotifier is the standard library's, which is deprecated and yet in use.
type closeNotifier interface{ CloseNotify() <-chan bool }

func TestARefusedWriteGoesHome(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"the handler ignores it", func(w http.ResponseWriter, r *http.Request) { hello(w, r) }},
		{"the handler answers nothing", func(http.ResponseWriter, *http.Request) {}},
		{"the handler answers 500", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "oops", 500) }},
		{"the handler redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusSeeOther) }},
		{"the handler panics", func(w http.ResponseWriter, r *http.Request) { hello(w, r); panic("oops") }},
		{"the handler aborts", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }},
		{"the handler flushes", func(w http.ResponseWriter, r *http.Request) {
			hello(w, r)
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, errDropped) {
				t.Errorf("flush: %v", err)
			}
		}},
		{"the handler streams until its client has gone", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}},
		{"the handler streams and asks as gin does", func(w http.ResponseWriter, r *http.Request) {
			gone := w.(closeNotifier).CloseNotify()
			w.(http.Flusher).Flush()
			<-gone
		}},
		{"the answer is long", func(w http.ResponseWriter, r *http.Request) {
			if _, err := w.Write(make([]byte, 2*defaultHold)); !errors.Is(err, errDropped) {
				t.Errorf("write: %v", err)
			}
			w.WriteHeader(500)
			if _, err := w.Write([]byte("x")); !errors.Is(err, errDropped) {
				t.Errorf("second write: %v", err)
			}
		}},
		{"the handler wants the connection", func(w http.ResponseWriter, r *http.Request) {
			if _, _, err := w.(http.Hijacker).Hijack(); !errors.Is(err, errDropped) {
				t.Errorf("hijack: %v", err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, lines := logTo()
			s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Logger: log})
			mux := http.NewServeMux()
			mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "flash", Value: "failed"})
				w.Header().Set("X-Handler", "1")
				w.Header().Set("X-Outer", "changed")
				refuse(r)
				tt.handler(w, r)
			})
			h := s.Handler(mux)
			srv := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Outer", "kept")
				h.ServeHTTP(w, r)
			}))
			for range 2 {
				res, err := srv.Client().Get(srv.URL + "/items/7")
				if err != nil {
					t.Fatal(err)
				}
				if got := body(t, res); res.StatusCode != 409 || sentHome(res) != "captured" || got != "" {
					t.Errorf("got %d %v %q, want a replay", res.StatusCode, res.Header, got)
				}
				for _, name := range []string{"Set-Cookie", "X-Handler", "Location", "Content-Type"} {
					if v := res.Header[name]; v != nil {
						t.Errorf("the answer that was dropped left %s: %q", name, v)
					}
				}
				if res.Header.Get("X-Outer") != "kept" || res.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("header: %v", res.Header)
				}
			}
			if n := lines.count("this route writes"); n != 1 || lines.count(`route="GET /items/{id}" by=WriteRoutes`) != 1 {
				t.Errorf("logged %d times, want once for each route: %s", n, lines)
			}
		})
	}
}

func TestTheLogNamesAPathWithoutAPattern(t *testing.T) {
	log, lines := logTo()
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Logger: log})
	do(s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { refuse(r) })), request("GET", "/a"))
	if lines.count(`route="GET /a"`) != 1 {
		t.Error(lines)
	}
}

func TestACancelledReadGoesHome(t *testing.T) {
	log, lines := logTo()
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Logger: log})
	res := do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trail.Leave(r.Context(), trail.Conflict)
		http.Error(w, "oops", 500)
	})), request("GET", "/"))
	if sentHome(res) != "conflict" || decided(t, res).Reason != decision.Conflict {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
	if lines.count("this route writes") != 0 {
		t.Errorf("the route does not write: %s", lines)
	}
}

func TestARefusalTooLateSurfaces(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(http.ResponseWriter)
	}{
		{"after a flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }},
		{"beyond what is held", func(w http.ResponseWriter) { w.Write(make([]byte, 11)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, lines := logTo()
			s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Hold: 10, Logger: log})
			mux := http.NewServeMux()
			mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
				tt.begin(w)
				refuse(r)
				w.Write([]byte("refused"))
			})
			h := s.Handler(mux)
			for _, path := range []string{"/items/1", "/items/2"} {
				res := do(h, request("GET", path))
				if got := body(t, res); res.StatusCode != 200 || !strings.HasSuffix(got, "refused") || sentHome(res) != "" {
					t.Errorf("got %d %q", res.StatusCode, got)
				}
			}
			if lines.count("after the answer had begun") != 1 || lines.count(`route="GET /items/{id}" by=WriteRoutes`) != 1 {
				t.Errorf("want one line for the route: %s", lines)
			}
		})
	}
}

// TestADroppedAnswerIsNoEmptyOne has handlers go on where they were told that nobody
// listens any more.
func TestADroppedAnswerIsNoEmptyOne(t *testing.T) {
	for _, tt := range []struct {
		name         string
		env          Env
		role         machine.Role
		first, after trail.Mark
	}{
		{"it wrote past the replica", replicaIn(), machine.Replica, trail.Refused, trail.Wrote},
		{"what it did at the primary broke off with it", primaryIn(), machine.Primary, trail.Conflict, trail.Lost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, Config{Env: tt.env, Database: newDB(tt.role, "1")})
			srv := serve(t, s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-App", "1")
				hello(w, r)
				trail.Leave(r.Context(), tt.first)
				if err := http.NewResponseController(w).Flush(); err != errDropped {
					t.Errorf("flush: %v", err)
				}
				trail.Leave(r.Context(), tt.after)
			})))
			res, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			got := body(t, res)
			if res.StatusCode != 500 || !strings.Contains(got, "dropped") || res.Header.Get("Homing-Outcome") != "unknown" || res.Header.Get("X-App") != "" || sentHome(res) != "" {
				t.Errorf("got %d %q %v", res.StatusCode, got, res.Header)
			}
			if wrote := tt.after == trail.Wrote; (res.Header.Get("Homing-Position") != "") != wrote {
				t.Errorf("wrote: %v, got %v", wrote, res.Header)
			}
		})
	}
}

func TestWhatIsHeldIsAsLongAsSaid(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Hold: 10})
	for n, want := range map[int]string{10: "captured", 11: ""} {
		res := do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Write(make([]byte, n-1))
			w.Write(make([]byte, 1))
			refuse(r)
		})), request("GET", "/"))
		if got := sentHome(res); got != want {
			t.Errorf("%d bytes: got %q, want %q", n, got, want)
		}
	}
}

func TestNothingRunsTwice(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  Env
		role machine.Role
		left trail.Mark
	}{
		{"it wrote elsewhere before the refusal", replicaIn(), machine.Replica, trail.Wrote | trail.Refused},
		{"it wrote elsewhere before the conflict", replicaIn(), machine.Replica, trail.Wrote | trail.Conflict},
		{"the primary refused", primaryIn(), machine.Primary, trail.Refused},
	} {
		s := newSite(t, Config{Env: tt.env, Database: newDB(tt.role, "1")})
		res := do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			trail.Leave(r.Context(), tt.left)
			http.Error(w, "oops", 500)
		})), request("GET", "/"))
		if res.StatusCode != 500 || sentHome(res) != "" {
			t.Errorf("%s: got %d %v, want the handler's answer", tt.name, res.StatusCode, res.Header)
		}
	}
}

func TestAPanicOfTheAppsOwnSurfaces(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != "oops" {
			t.Errorf("recovered %v", p)
		}
		if rec.Body.Len() > 0 || sentHome(rec.Result()) != "" {
			t.Errorf("answered %v", rec)
		}
	}()
	s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hello(w, r); panic("oops") })).ServeHTTP(rec, request("GET", "/"))
}

func TestWithoutAnEdgeInFront(t *testing.T) {
	log, lines := logTo()
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Logger: log})
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Handler", "1")
		refuse(r)
	}))
	for _, r := range []*http.Request{httptest.NewRequest("POST", "/a", nil), httptest.NewRequest("POST", "/b", nil), httptest.NewRequest("GET", "/c", nil)} {
		res := do(h, r)
		text := body(t, res)
		if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || res.Header.Get(replay.Header) != "" || res.Header.Get("X-Handler") != "" {
			t.Errorf("%s: got %d %v", r.URL, res.StatusCode, res.Header)
		}
		if !strings.Contains(text, "ams") || decided(t, res).Reason != decision.Nowhere {
			t.Errorf("%s: got %q, %v", r.URL, text, decided(t, res))
		}
	}
	if n := lines.count("nothing in front carries out fly-replay"); n != 1 {
		t.Errorf("logged %d times: %s", n, lines)
	}
}

func TestWhatIsToldOnceIsBounded(t *testing.T) {
	log, lines := logTo()
	s := newSite(t, Config{Env: replicaIn(), Logger: log})
	for i := range 2 * maxTold {
		s.tellOnce(string(rune(i)), "told")
	}
	if n := lines.count("msg=told"); n != maxTold || len(s.told) != maxTold {
		t.Errorf("told %d times, remembers %d", n, len(s.told))
	}
}
