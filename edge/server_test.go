package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const get = "GET %s HTTP/1.1\r\nHost: app.test\r\n\r\n"

// smuggling returns the forms of wire/testdata that are refused, by name, and the
// status of each.
func smuggling(t *testing.T) (in, status map[string]string) {
	t.Helper()
	text, err := os.ReadFile("../wire/testdata/smuggling.txt")
	if err != nil {
		t.Fatal(err)
	}
	in, status = make(map[string]string), make(map[string]string)
	var name string
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case strings.HasPrefix(line, "== "):
			name = strings.TrimSpace(line[3:])
		case strings.HasPrefix(key, "in"):
			part, err := strconv.Unquote(value)
			if err != nil {
				t.Fatal(err)
			}
			times := 1
			if n, ok := strings.CutPrefix(key, "in x"); ok {
				times, _ = strconv.Atoi(n)
			}
			in[name] += strings.Repeat(part, times)
		case key == "want":
			status[name] = value
		}
	}
	return in, status
}

func TestWhatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	var smuggled counter
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/smuggled" {
			smuggled.Add(1)
		}
		io.Copy(io.Discard, r.Body)
	}))
	in, want := smuggling(t)
	n := 0
	for name, said := range in {
		where, status, _ := strings.Cut(want[name], " ")
		if where != "head" && where != "body" || status == "0" {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			got := w.talk(said + fmt.Sprintf(get, "/smuggled"))
			if !strings.HasPrefix(got, "HTTP/1.1 "+status+" ") || strings.Count(got, "HTTP/1.1 ") != 1 ||
				!strings.Contains(got, "Homing-Error: BAD\r\n") || !strings.Contains(got, "Fly-Request-Id: ") ||
				!strings.Contains(got, "Connection: close\r\n") {
				t.Errorf("got %q, want one answer with %s, and the end", got, status)
			}
			if r := w.record(); r.Code != "BAD" || fmt.Sprint(r.Status) != status || r.Problem == "" || r.ID == "" {
				t.Errorf("the record says %+v", r)
			}
		})
	}
	if n < 12 || smuggled.Load() > 0 {
		t.Errorf("%d forms were tried, and %d requests smuggled", n, smuggled.Load())
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	for name, tc := range map[string]struct{ said, status string }{
		"too many fields":   {"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 200) + "\r\n", "431"},
		"too large a head":  {"GET / HTTP/1.1\r\nHost: a\r\nA: " + long + "\r\n\r\n", "431"},
		"too long a target": {"GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", "414"},
		"a missing host":    {"GET / HTTP/1.1\r\n\r\n", "400"},
		"two hosts":         {"GET http://other.test/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		"TLS":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.dial()
			go io.WriteString(c, tc.said) // more than is read, perhaps
			got, _ := io.ReadAll(c)
			if !strings.HasPrefix(string(got), "HTTP/1.1 "+tc.status+" ") || !bytes.Contains(got, []byte("Homing-Error: BAD\r\n")) {
				t.Errorf("got %q, want %s", got, tc.status)
			}
			if r := w.record(); fmt.Sprint(r.Status) != tc.status || len(r.Hops) > 0 {
				t.Errorf("the record says %+v", r)
			}
		})
	}
	// A head of nearly the limit is none of that.
	if got := w.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nA: " + long[:60<<10] + "\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("a large head got %.100q", got)
	}
}

func TestPipelinedRequestsAreServedInOrder(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s%s;", r.URL.Path, body)
	}))
	all := fmt.Sprintf(get, "/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" +
		"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nch\r\n0\r\n\r\n" +
		"HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + fmt.Sprintf(get, "/never")
	c := w.dial()
	io.WriteString(c, all)
	br := bufio.NewReader(c)
	for _, want := range []string{"/1;", "/2body;", "/3ch;", "", "/5;"} {
		method := "GET"
		if want == "" {
			method = "HEAD"
		}
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if rest, err := io.ReadAll(br); len(rest) > 0 || err != nil {
		t.Errorf("behind the last request there was %q, %v", rest, err)
	}
}

func TestOldClients(t *testing.T) {
	w := newWorld(t, nil, says(t, "near", "ams", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nDigest: x\r\n\r\n"))
	got := w.talk("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if !strings.HasSuffix(got, "\r\n\r\nok") || strings.Contains(got, "Transfer-Encoding") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("got %q, want the body until the end", got)
	}
}

func TestHalfAnAnswerToAnOldClientDoesNotLookWhole(t *testing.T) {
	w := newWorld(t, nil, raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
	}))
	c := w.dial()
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if got, err := io.ReadAll(c); err == nil {
		t.Errorf("the connection ended well, with %q", got)
	}
}

func TestContinueIsSaidWhenTheBodyIsRead(t *testing.T) {
	for name, tc := range map[string]struct {
		host string
		want string
	}{
		"by a machine":         {"app.test", "100 Continue"},
		"and not by a refusal": {"app.test\r\nFly-Force-Region: !", "400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, serving(t, "near", "ams", echo))
			c := w.dial()
			fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", tc.host)
			br := bufio.NewReader(c)
			if line, _ := br.ReadString('\n'); line != "HTTP/1.1 "+tc.want+"\r\n" {
				t.Fatalf("the client was told %q", line)
			}
			if !strings.HasPrefix(tc.want, "100") {
				return
			}
			br.ReadString('\n')
			io.WriteString(c, "hello")
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(io.LimitReader(resp.Body, 5)); string(got) != "hello" {
				t.Errorf("the answer is %q", got)
			}
		})
	}
}

// hurried is a world whose clients have little time.
func hurried(t *testing.T, idle, head, stall time.Duration, machine http.HandlerFunc) *world {
	w := newWorld(t, nil, serving(t, "near", "ams", machine))
	w.hurry(idle, head, stall)
	return w
}

// hurry serves clients with a second server, which gives them little time.
func (w *world) hurry(idle, head, stall time.Duration) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.server, w.addr = w.edge.Server(), l.Addr().String()
	w.server.SetTimes(idle, head, stall)
	w.server.SetLinger(20 * time.Millisecond)
	go w.server.Serve(l)
	w.t.Cleanup(func() { w.server.Close() })
}

func TestASlowHeadIsRefused(t *testing.T) {
	w := hurried(t, time.Minute, 20*time.Millisecond, time.Minute, hello)
	if got := w.talk("GET / HTTP/1.1\r\nHost: a"); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
		t.Errorf("got %q", got)
	}
	if r := w.record(); r.Status != 408 || r.Code != "BAD" {
		t.Errorf("the record says %+v", r)
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	w := hurried(t, 20*time.Millisecond, time.Minute, time.Minute, hello)
	for name, said := range map[string]string{"a new one": "", "a used one": fmt.Sprintf(get, "/")} {
		got := w.talk(said)
		if said == "" && got != "" || strings.Count(got, "HTTP/1.1 ") != strings.Count(said, "GET") {
			t.Errorf("%s was told %q", name, got)
		}
	}
	w.eventually("all are gone", func() bool { return w.server.Clients() == 0 })
}

func TestAClientThatTakesNothingIsLetGo(t *testing.T) {
	gone := make(chan struct{})
	w := hurried(t, time.Minute, time.Minute, 50*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for r.Context().Err() == nil {
			io.WriteString(w, long)
		}
	})
	c := w.dial()
	fmt.Fprintf(c, get, "/") // and reads nothing
	<-gone
	if r := w.record(); !strings.Contains(r.Problem, "the client went away") {
		t.Errorf("the record says %+v", r)
	}
}

func TestAClientThatGoesAwayEndsItsLastRequestToo(t *testing.T) {
	for _, head := range []string{"HTTP/1.0\r\n", "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"} {
		arrived, left := make(chan struct{}), make(chan struct{})
		w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
			close(left)
		}))
		c := w.dial()
		io.WriteString(c, "GET / "+head+"\r\n")
		<-arrived
		c.Close()
		<-left
		if r := w.record(); !strings.Contains(r.Problem, "the client went away") {
			t.Errorf("the record says %+v", r)
		}
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	arrived, done := make(chan struct{}), make(chan struct{})
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-done
		io.WriteString(w, "whole")
	}))
	idle, busy := w.dial(), w.dial()
	fmt.Fprintf(busy, get, "/")
	<-arrived
	w.eventually("both are connected", func() bool { return w.server.Clients() == 2 })

	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := w.server.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a request is under way: %v", err)
	}
	if err := <-w.served; err != http.ErrServerClosed {
		t.Errorf("Serve returned %v", err)
	}
	if got, err := io.ReadAll(idle); len(got) > 0 || err != nil {
		t.Errorf("the idle connection ended with %q, %v", got, err)
	}
	if _, err := net.Dial("tcp", w.addr); err == nil {
		t.Error("the server still listens")
	}
	close(done)
	if err := w.server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	got, err := io.ReadAll(busy)
	if !strings.HasSuffix(string(got), "whole") || !strings.Contains(string(got), "Connection: close") || err != nil {
		t.Errorf("the request under way got %q, %v", got, err)
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	if err := w.server.Serve(l); err != http.ErrServerClosed {
		t.Errorf("a server that is closed served: %v", err)
	}
}

func TestCloseCutsRequests(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	}))
	c := w.dial()
	fmt.Fprintf(c, get+get, "/", "/next") // what waits behind hides the closing from a watch
	<-arrived
	w.server.Close()
	<-left
	if got, _ := io.ReadAll(c); len(got) > 0 {
		t.Errorf("the client got %q", got)
	}
	w.eventually("nobody is left", func() bool { return w.server.Clients() == 0 })
}

func TestNoGoroutineIsLeft(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	w.do("GET", "/", "")
	w.client.CloseIdleConnections()
	w.eventually("the first client is gone", func() bool { return w.server.Clients() == 0 })
	before := runtime.NumGoroutine()
	for range 20 {
		w.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		w.talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
		w.talk("nonsense\r\n\r\n")
		w.dial().Close()
	}
	w.edge.Close() // or a kept connection, of which there may be more than before, lives on for seconds
	w.eventually("all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestClientsMaySpeakTLS(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
		io.WriteString(w, r.Header.Get("X-Forwarded-Proto"))
	}))
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
	for i := range 3 { // on one connection, which each watch has to leave whole
		resp, err := certified.Client().Post("https://"+l.Addr().String(), "text/plain", strings.NewReader("by "))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "by https" || err != nil {
			t.Errorf("request %d got %q, %v", i, got, err)
		}
		resp.Body.Close()
	}
	if n := srv.Clients(); n != 1 {
		t.Errorf("there are %d connections", n)
	}
}
