package homing

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"homing/machine"
)

var big = bytes.Repeat([]byte("0123456789abcdef"), 3*defaultHold/16)

// TestAHeldAnswerIsTheHandlersOwn compares what clients get with and without us.
func TestAHeldAnswerIsTheHandlersOwn(t *testing.T) {
	mux := http.NewServeMux()
	handle := func(name string, h http.HandlerFunc) { mux.HandleFunc("/"+name, h) }
	handle("empty", func(http.ResponseWriter, *http.Request) {})
	handle("hello", hello)
	handle("status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418); hello(w, r) })
	handle("twice", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); w.WriteHeader(500) })
	handle("superfluous", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		w.WriteHeader(103)
		w.WriteHeader(0)
		hello(w, r)
	})
	handle("nothing", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	handle("notmodified", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.WriteHeader(304)
		if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
			t.Errorf("a body after 304: %v", err)
		}
	})
	handle("nobody", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204); hello(w, r) })
	handle("declared", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "5"); hello(w, r) })
	handle("toolong", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		hello(w, r)
		if _, err := io.WriteString(w, "more"); err != http.ErrContentLength {
			t.Errorf("beyond the declared length: %v", err)
		}
	})
	handle("pieces", func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			io.WriteString(w, "piece ")
		}
	})
	handle("long", func(w http.ResponseWriter, r *http.Request) { w.Write(big) })
	handle("copied", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, bytes.NewReader(big)) })
	handle("flushed", func(w http.ResponseWriter, r *http.Request) { hello(w, r); w.(http.Flusher).Flush(); hello(w, r) })
	handle("late", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		hello(w, r)
		w.Header().Set("X-Late", "1") // has no effect
		http.Error(w, "oops", 500)    // nor has this, but for its text
	})
	handle("later", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-One"], h["X-Two"] = []string{"1"}, []string{"1", "2"}
		hello(w, r)
		h["X-One"][0], h["X-Two"][1] = "late", "late"
	})
	handle("trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		hello(w, r)
		w.Header().Set("X-Sum", "1")
	})
	handle("unannounced", func(w http.ResponseWriter, r *http.Request) {
		w.Write(big[:defaultHold/2])
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	})
	handle("redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/hello", http.StatusSeeOther) })
	handle("sniffed", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") })
	handle("content", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", time.Time{}, bytes.NewReader(big))
	})
	mux.Handle("/files/", http.StripPrefix("/files", http.FileServerFS(fstest.MapFS{"a.txt": {Data: big}, "b.txt": {Data: []byte("b")}})))
	mux.Handle("/timely", http.TimeoutHandler(http.HandlerFunc(hello), time.Minute, "late"))
	mux.Handle("/untimely", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), time.Millisecond, "late"))

	s := newSite(t, Config{Env: in("FLY_REGION", "ord"), Database: newDB(machine.Replica, "1")})
	plain, held := serve(t, mux), serve(t, s.Handler(mux))
	get := func(srv *httptest.Server, method, path string) (string, int, http.Header, http.Header) {
		t.Helper()
		req, _ := http.NewRequest(method, srv.URL+path, nil)
		if path == "/content" {
			req.Header.Set("Range", "bytes=10-19")
		}
		res, err := srv.Client().Transport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		text := body(t, res)
		res.Header.Del("Date")
		return text, res.StatusCode, res.Header, res.Trailer
	}
	for _, path := range []string{
		"/empty", "/hello", "/status", "/twice", "/nothing", "/notmodified", "/nobody", "/declared", "/toolong", "/superfluous", "/pieces", "/long", "/copied", "/flushed", "/late", "/later",
		"/trailers", "/unannounced", "/redirect", "/sniffed", "/content", "/files/a.txt", "/files/b.txt", "/timely", "/untimely", "/missing",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			text1, status1, header1, trailer1 := get(plain, method, path)
			text2, status2, header2, trailer2 := get(held, method, path)
			if text1 != text2 || status1 != status2 {
				t.Errorf("%s %s: got %d %.40q, want %d %.40q", method, path, status2, text2, status1, text1)
			}
			if len(header1["Content-Length"]) == 0 {
				delete(header2, "Content-Length") // we know it, and may say it
			}
			if !reflect.DeepEqual(header1, header2) || !reflect.DeepEqual(trailer1, trailer2) {
				t.Errorf("%s %s: header and trailers\n got %v %v\nwant %v %v", method, path, header2, trailer2, header1, trailer1)
			}
		}
	}
}

// replicaServer serves h behind a replica's site.
func replicaServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	return serve(t, newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")}).Handler(h))
}

func TestAHeldAnswerHasItsLength(t *testing.T) {
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) { w.Write(big[:20_000]); w.Write(big[:20_000]) })
	res, err := srv.Client().Get(srv.URL)
	if err != nil || res.ContentLength != 40_000 || len(body(t, res)) != 40_000 {
		t.Errorf("got %v, %v", res, err)
	}
}

// zipped is how many an app compresses: it leaves a length that is there alone.
type zipped struct {
	io.Writer
	http.ResponseWriter
}

func (z zipped) Write(p []byte) (int, error) { return z.Writer.Write(p) }

func TestAnAnswerThatIsCompressedAroundUsIsWhole(t *testing.T) {
	h := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(big[:20_000])
	}))
	srv := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		h.ServeHTTP(zipped{z, w}, r)
	}))
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, res); got != string(big[:20_000]) {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestEarlyHintsPass(t *testing.T) {
	hinted := make(chan bool)
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		<-hinted // while the answer is held
		hello(w, r)
	})
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code != 103 || h.Get("Link") == "" {
			t.Errorf("got %d %v", code, h)
		}
		close(hinted)
		return nil
	}}
	req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", srv.URL, nil)
	res, err := srv.Client().Do(req)
	if err != nil || res.StatusCode != 200 || body(t, res) != "hello" {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestAFlushReachesTheClient(t *testing.T) {
	seen := make(chan bool)
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			hello(w, r)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-seen
		}
	})
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for range 3 {
		if _, err := io.ReadFull(res.Body, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		seen <- true
	}
}

func TestAClientThatHasGoneIsNotifiedOf(t *testing.T) {
	notified := make(chan bool)
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		gone := w.(closeNotifier).CloseNotify()
		w.(http.Flusher).Flush()
		notified <- <-gone
	})
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if !<-notified {
		t.Error("it was told that nobody has gone")
	}
}

func TestResponseControllerWorks(t *testing.T) {
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		for name, err := range map[string]error{
			"read deadline": c.SetReadDeadline(time.Now().Add(time.Minute)), "write deadline": c.SetWriteDeadline(time.Now().Add(time.Minute)),
			"full duplex": c.EnableFullDuplex(),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("a deadline that has passed lets reads through")
		}
	})
	pr, pw := io.Pipe()
	defer pw.Close()
	req, _ := http.NewRequest("OPTIONS", srv.URL, pr)
	if res, err := srv.Client().Do(req); err == nil {
		res.Body.Close()
	}
}

// TestASocketIsHandedOver does what the two common WebSocket libraries do: one
// writes its own head, the other leaves it to WriteHeader.
func TestASocketIsHandedOver(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter){
		"its own head": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return nil, nil
			}
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			return conn, rw
		},
		"the server's head": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter) {
			w.Header().Set("Connection", "upgrade")
			w.Header().Set("Upgrade", "echo")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			return conn, rw
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
				conn, rw := begin(w)
				defer conn.Close()
				line, _ := rw.ReadString('\n')
				fmt.Fprintf(conn, "echo %s", line)
			})
			req, _ := http.NewRequest("GET", srv.URL, nil)
			req.Header.Set("Connection", "upgrade")
			req.Header.Set("Upgrade", "echo")
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			res, err := srv.Client().Do(req.WithContext(ctx))
			if err != nil || res.StatusCode != 101 || res.Header.Get("Upgrade") != "echo" {
				t.Fatalf("got %v, %v", res, err)
			}
			defer res.Body.Close()
			fmt.Fprintln(res.Body.(io.Writer), "hi")
			if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "echo hi\n" {
				t.Errorf("got %q, %v", line, err)
			}
		})
	}
}

func TestAnAbortedAnswerLeavesNothing(t *testing.T) {
	for _, reason := range []any{http.ErrAbortHandler, "oops"} {
		srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) { hello(w, r); panic(reason) })
		if res, err := srv.Client().Get(srv.URL); err == nil {
			t.Errorf("%v: got %d %q, want a broken connection", reason, res.StatusCode, body(t, res))
		}
	}
}

// TestAWriterThatOutlivesItsHandlerHarmsNobody has a goroutine of one request
// write while others are answered from the buffer that it had.
func TestAWriterThatOutlivesItsHandlerHarmsNobody(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	var wg sync.WaitGroup
	stop := make(chan bool)
	bad := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hello(w, r)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					w.Write([]byte("SECRET"))
					w.WriteHeader(500)
					w.(http.Flusher).Flush()
				}
			}
		})
	}))
	good := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 50 {
			hello(w, r)
		}
	}))
	for range 20 {
		res := do(bad, request("GET", "/"))
		if got := body(t, res); !strings.HasPrefix(got, "hello") {
			t.Errorf("got %q", got)
		}
		for range 20 {
			if got := body(t, do(good, request("GET", "/"))); got != strings.Repeat("hello", 50) {
				t.Fatalf("another request's bytes: %q", got)
			}
		}
	}
	close(stop)
	wg.Wait()
}

// willing is an owner that lets every answer go.
type willing struct{}

func (willing) release(http.Header, bool) bool { return true }
func (willing) drop()                          {}

func holding(t *testing.T, w http.ResponseWriter) *heldWriter {
	h := new(heldWriter)
	h.begin(t.Context(), w, 100, willing{})
	return h
}

func TestABufferIsUsedAgain(t *testing.T) {
	w := holding(t, httptest.NewRecorder())
	w.Write(make([]byte, 50))
	pooled := w.answer
	w.done()
	if cap(pooled.body) < 50 {
		t.Errorf("a buffer of %d bytes was given back", cap(pooled.body))
	}
	if _, err := w.Write([]byte("x")); err != errDone {
		t.Errorf("a write after the end: %v", err)
	}
}

func TestAnswersAtTheSameTime(t *testing.T) {
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		for range 1000 {
			io.WriteString(w, r.URL.Path)
		}
	})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 10 {
				path := fmt.Sprintf("/%x", i)
				res, err := srv.Client().Get(srv.URL + path)
				if err != nil {
					t.Error(err)
					return
				}
				if got := body(t, res); got != strings.Repeat(path, 1000) {
					t.Errorf("%s: got %.50q…", path, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestABadStatusPanicsWhereItIsWritten(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	for _, status := range []int{0, 99, 1000} {
		do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "invalid WriteHeader code") {
					t.Errorf("%d: got %v", status, p)
				}
			}()
			w.WriteHeader(status)
		})), request("GET", "/"))
	}
}

func TestNothingGoesHomeFromASocket(t *testing.T) {
	log, lines := logTo()
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1"), Logger: log})
	done := make(chan bool) // the server does not wait for handlers that took the connection
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		refuse(r)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		conn.Close()
	}))
	srv := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		h.ServeHTTP(w, r)
	}))
	res, err := srv.Client().Get(srv.URL)
	if err != nil || body(t, res) != "ok" {
		t.Errorf("got %v, %v", res, err)
	}
	<-done
	if lines.count("after the answer had begun") != 1 {
		t.Errorf("want one line: %s", lines)
	}
}

func TestWhoIsAroundUsFindsThePattern(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", hello)
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	r := request("GET", "/items/1")
	do(s.Handler(mux), r)
	if r.Pattern != "GET /items/{id}" {
		t.Errorf("got %q", r.Pattern)
	}
}

func TestUploadedFilesAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	part, _ := mw.CreateFormFile("f", "f")
	part.Write(big)
	mw.Close()
	s := newSite(t, Config{Env: primaryIn(), Database: newDB(machine.Primary, "1")})
	srv := serve(t, s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		if files, _ := filepath.Glob(os.TempDir() + "/multipart-*"); len(files) != 1 {
			t.Errorf("%d files: the test tests nothing", len(files))
		}
	})))
	res, err := srv.Client().Post(srv.URL, mw.FormDataContentType(), &form)
	if err != nil {
		t.Fatal(err)
	}
	body(t, res)
	srv.Close() // waits for net/http to be done with the request
	if files, _ := filepath.Glob(os.TempDir() + "/multipart-*"); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
}

func TestAHeadHoldsNothingOfAnAnswerBefore(t *testing.T) {
	for i := range 20 {
		rec := httptest.NewRecorder()
		w := holding(t, rec)
		name := fmt.Sprint("X-", i)
		w.Header().Set(name, "mine")
		w.WriteHeader(http.StatusNoContent)
		w.finish()
		w.done()
		if h := rec.Result().Header; len(h) != 1 || h.Get(name) != "mine" {
			t.Fatalf("answer %d has %v", i, h)
		}
	}
}
