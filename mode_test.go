package homing

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"homing/machine"
)

// moody are handlers that use what a server offers, and abuse it.
var moody = map[string]http.HandlerFunc{
	"/plain":   hello,
	"/empty":   func(http.ResponseWriter, *http.Request) {},
	"/status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418); io.WriteString(w, "tea") },
	"/cookies": func(w http.ResponseWriter, _ *http.Request) { http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"}) },
	"/large":   func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 300<<10)) },
	"/flushed": func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
	},
	"/early": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(103)
		io.WriteString(w, "late")
	},
	"/trailer": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Sum")
		io.WriteString(w, "x")
		w.Header().Set("Sum", "1")
	},
	"/hijacked": func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nbytes")
		rw.Flush()
		conn.Close()
	},
	"/panics":  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "half"); panic(http.ErrAbortHandler) },
	"/echo":    func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) },
	"/headers": func(w http.ResponseWriter, r *http.Request) { r.Header.Write(w) },
	"/type":    func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%T", w) },
}

var dates = regexp.MustCompile(`Date: [^\r]*`)

// exchange sends a request as it stands and returns every byte of the answer.
func exchange(t *testing.T, h http.Handler, raw string) string {
	t.Helper()
	srv := httptest.NewServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, raw)
	var all bytes.Buffer
	if _, err := all.ReadFrom(bufio.NewReader(conn)); err != nil {
		t.Fatal(err)
	}
	return dates.ReplaceAllString(all.String(), "Date: then")
}

// TestAnAppIsAsItWasWhere compares every byte with the app that has no Homing.
func TestAnAppIsAsItWas(t *testing.T) {
	mux := http.NewServeMux()
	for path, h := range moody {
		mux.HandleFunc(path, h)
	}
	token := "Homing-Position: " + token("9") + "\r\nCookie: " + cookie("a", token("9")) + "\r\nFly-Region: ord\r\nfly-replay-src: region=ord;state=method\r\n"
	for name, env := range map[string]Env{
		"without regions":       in("PRIMARY_REGION", ""),
		"off, on a replica":     replicaIn("HOMING_MODE", "off"),
		"off, on the primary":   primaryIn("HOMING_MODE", "OFF"),
		"observing":             in("HOMING_MODE", "observe", "PRIMARY_REGION", ""),
		"observing, in regions": replicaIn("HOMING_MODE", "observe"),
	} {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, Config{Env: env, Database: newDB(machine.Replica, "5")}).Handler(mux)
			for path := range moody {
				for _, raw := range []string{
					"GET " + path + " HTTP/1.1\r\nHost: a\r\n" + token + "Connection: close\r\n\r\n",
					"HEAD " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
					"POST " + path + " HTTP/1.1\r\nHost: a\r\n" + token + "Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
					"GET " + path + " HTTP/1.0\r\n\r\n",
				} {
					want, got := exchange(t, mux, raw), exchange(t, h, raw)
					if got != want {
						t.Errorf("%.40q: got %.300q, want %.300q", raw, got, want)
					}
				}
			}
		})
	}
}

func TestSwitchedOffNothingElseMatters(t *testing.T) {
	vars := map[string]string{"HOMING_MODE": "off", "HOMING_WAIT": "soon", "HOMING_SECRET": "x", "FLY_REGION": "ord"}
	env, err := FromLookup(func(name string) string { return vars[name] })
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Env: env, Secret: "short", Wait: -1, WriteRoutes: []string{"BAD PATTERN {"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if s.Handler(mux) != http.Handler(mux) {
		t.Error("the handler is not the app's own")
	}
	if res := do(s.Health(), request("GET", "/healthz")); res.StatusCode != 200 {
		t.Errorf("it is not healthy: %s", body(t, res))
	}
}

func TestAModeThatIsNoneIsRefused(t *testing.T) {
	_, err := FromLookup(func(name string) string { return map[string]string{"HOMING_MODE": "offf"}[name] })
	if err == nil || !strings.Contains(err.Error(), `HOMING_MODE: want on, observe or off, not "offf"`) {
		t.Errorf("the error is %v", err)
	}
	if _, err := New(Config{Mode: "offf", Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "Mode: want") {
		t.Errorf("the error is %v", err)
	}
}
