package sidecar_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"

	"homing/edge/misbehave"
	"homing/sidecar"
)

func TestTheAppSeesTheRequestAsIfWeWereNotThere(t *testing.T) {
	leavesNothing(t)
	got := make(chan *http.Request, 1)
	srv := beside(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	ask(t, srv, "POST", "/a%2Fb?c=d&e", strings.NewReader("hello"), "Host", "app.test", "X-Custom", "1", "X-Custom", "2",
		"X-Forwarded-For", "9.9.9.9", "X-Forwarded-Proto", "https", "Fly-Client-Ip", "9.9.9.9", "Fly-Replay-Src", "region=x;state=method",
		"Connection", "X-Hop", "X-Hop", "1", "Te", "trailers", "Cookie", "a=b", "User-Agent", "x", "Accept-Encoding", "br")
	r := <-got
	want := http.Header{
		"X-Custom": {"1", "2"}, "X-Forwarded-For": {"9.9.9.9"}, "X-Forwarded-Proto": {"https"}, "Fly-Client-Ip": {"9.9.9.9"}, "Fly-Region": {"gru"},
		"Fly-Replay-Src": {"region=x;state=method"}, "Cookie": {"a=b"}, "User-Agent": {"x"}, "Accept-Encoding": {"br"}, "Content-Length": {"5"},
	}
	if fmt.Sprint(r.Header) != fmt.Sprint(want) || r.Host != "app.test" || r.RequestURI != "/a%2Fb?c=d&e" || r.Method != "POST" {
		t.Errorf("got %s %s of %s with %v,\nwant %v", r.Method, r.RequestURI, r.Host, r.Header, want)
	}
	ask(t, srv, "GET", "/", nil)
	if r := <-got; r.Header.Get("X-Forwarded-For") != "127.0.0.1" {
		t.Errorf("without a proxy the client is %q", r.Header.Get("X-Forwarded-For"))
	}
}

func TestAnswersComeAsTheyAre(t *testing.T) {
	leavesNothing(t)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App", "1")
		w.Header().Set("Fly-Replay", "app=other") // an app may replay by itself
		w.Header().Set("Homing-Did", "wrote")
		switch r.URL.Path {
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/cached":
			w.WriteHeader(http.StatusNotModified)
		case "/trailer":
			w.(http.Flusher).Flush()
			io.WriteString(w, "ok")
			w.Header().Set(http.TrailerPrefix+"Digest", "x")
		default:
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "ok")
		}
	})
	for _, tt := range []struct {
		method, path string
		status       int
		text, length string
	}{
		{"GET", "/", 418, "ok", "2"}, {"HEAD", "/", 418, "", "2"}, {"GET", "/empty", 204, "", ""}, {"GET", "/cached", 304, "", ""}, {"GET", "/trailer", 200, "ok", ""},
	} {
		a := ask(t, srv, tt.method, tt.path, nil)
		if a.StatusCode != tt.status || a.text != tt.text || a.Header.Get("Content-Length") != tt.length ||
			a.Header.Get("X-App") != "1" || a.Header.Get("Fly-Replay") == "" || a.Header["Homing-Did"] != nil || a.Header["Content-Type"] != nil && tt.text == "" && tt.method == "GET" {
			t.Errorf("%s %s: got %d %q %v", tt.method, tt.path, a.StatusCode, a.text, a.Header)
		}
		if tt.path == "/trailer" && a.Trailer.Get("Digest") != "x" {
			t.Errorf("trailer %v", a.Trailer)
		}
	}
}

// zeros is a body of n bytes that nobody holds.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestBodiesOfAnySizeStreamBothWays(t *testing.T) {
	leavesNothing(t)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	})
	const size = 20 << 20
	want := sha256.New()
	io.Copy(want, zeros(size))
	for _, length := range []int64{size, -1} {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, zeros(size))
		r.ContentLength = length
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got := sha256.New()
		n, err := io.Copy(got, res.Body)
		res.Body.Close()
		if err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Errorf("length %d: %d bytes came back, %v", length, n, err)
		}
	}
}

func TestAnswersOfOneHundredComeThrough(t *testing.T) {
	leavesNothing(t)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	})
	var early []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		early = append(early, fmt.Sprint(status, h.Get("Link")))
		return nil
	}})
	r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(early) != 1 || early[0] != "103</style.css>; rel=preload" {
		t.Errorf("got %q", early)
	}
}

func TestAClientThatWaitsIsAskedWhenTheAppReads(t *testing.T) {
	leavesNothing(t)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			w.WriteHeader(403)
			return
		}
		text, _ := io.ReadAll(r.Body)
		w.Write(text)
	})
	const head = " HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST /" + head))
	c.Await("HTTP/1.1 100 Continue\r\n\r\n")
	c.Do(misbehave.Say("hello"))
	if got := c.Heard(); strings.Count(got, "100 Continue") != 1 || !strings.HasSuffix(got, "hello") {
		t.Errorf("heard %q", got)
	}
	c = misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST /refused" + head))
	if got := c.Heard(); !strings.HasPrefix(got, "HTTP/1.1 403 ") {
		t.Errorf("heard %q", got)
	}
}

func TestAnUpgradeIsTunnelled(t *testing.T) {
	leavesNothing(t)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-App: 1\r\nHoming-Did: wrote\r\n\r\nhello ", r.Header.Get("Upgrade"))
		rw.Flush()
		line, _ := rw.ReadString('\n')
		io.WriteString(conn, strings.ToUpper(line))
	})
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
	c.Await("hello ")
	c.Do(misbehave.Say("world\n"))
	got := c.Heard()
	if !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, "Upgrade: websocket\r\n") || !strings.Contains(got, "X-App: 1\r\n") ||
		strings.Contains(got, "Did") || !strings.HasSuffix(got, "\r\n\r\nhello WORLD\n") {
		t.Errorf("heard %q", got)
	}
}

func TestEventsComeAsTheyAreSent(t *testing.T) {
	leavesNothing(t)
	more := make(chan struct{})
	for _, kind := range []string{"text/event-stream", "text/plain"} { // the latter after a moment
		srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n", i)
				w.(http.Flusher).Flush()
				<-more
			}
		})
		res, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		for i := range 3 {
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("%s: event %d is %q, %v", kind, i, line, err)
			}
			more <- struct{}{}
		}
		res.Body.Close()
	}
}

func TestAClientThatGoesEndsTheExchange(t *testing.T) {
	leavesNothing(t)
	begun, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/answered" {
			w.(http.Flusher).Flush()
		}
		begun <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	for _, path := range []string{"/", "/answered"} {
		ctx, cancel := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+path, nil)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if res, err := srv.Client().Do(r); err == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		}()
		<-begun
		cancel()
		<-ended
		<-gone
	}
}

func TestAnAppThatIsNotThere(t *testing.T) {
	leavesNothing(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	srv := serving(t, newApp(t, l.Addr().String()))
	for method, body := range map[string]io.Reader{"POST": strings.NewReader("hello"), "GET": nil, "HEAD": nil} {
		a := ask(t, srv, method, "/", body)
		if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || a.Header.Get("Homing-Outcome") != "" || method != "HEAD" && strings.Count(a.text, "\n") != 1 {
			t.Errorf("%s: got %d %v %q", method, a.StatusCode, a.Header, a.text)
		}
	}
}

func TestAnAppThatBreaksOff(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for _, tt := range []struct {
		name, method string
		steps        []misbehave.Step
		first        bool // a request before leaves a kept connection
		status, sent int
	}{
		{"a write", "POST", []misbehave.Step{misbehave.Head(), misbehave.Reset()}, false, 502, 1},
		{"a read on a new connection", "GET", []misbehave.Step{misbehave.Head(), misbehave.Reset()}, false, 502, 1},
		{"a read on a kept connection", "GET", []misbehave.Step{misbehave.Head(), misbehave.Say(ok), misbehave.Head(), misbehave.Reset()}, true, 200, 3},
		{"a write on a kept connection", "POST", []misbehave.Step{misbehave.Head(), misbehave.Say(ok), misbehave.Head(), misbehave.Reset()}, true, 502, 2},
		{"an answer that is none", "GET", []misbehave.Step{misbehave.Head(), misbehave.Say("hello\r\n\r\n"), misbehave.End()}, false, 502, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leavesNothing(t)
			m := misbehave.NewMachine(t, tt.steps...)
			srv := serving(t, newApp(t, m.Addr))
			if tt.first {
				ask(t, srv, "GET", "/", nil)
			}
			a := ask(t, srv, tt.method, "/", nil)
			if a.StatusCode != tt.status || m.Deliveries("/") != tt.sent {
				t.Errorf("got %d after %d deliveries, want %d after %d", a.StatusCode, m.Deliveries("/"), tt.status, tt.sent)
			}
			if unknown := a.Header.Get("Homing-Outcome") == "unknown"; unknown != (tt.status == 502 && tt.method == "POST") {
				t.Errorf("unknown: %v", unknown)
			}
		})
	}
}

func TestHalfAnAnswerDoesNotLookWhole(t *testing.T) {
	leavesNothing(t)
	for name, head := range map[string]string{
		"of known length": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		m := misbehave.NewMachine(t, misbehave.Head(), misbehave.Say(head), misbehave.End())
		srv := serving(t, newApp(t, m.Addr))
		res, err := srv.Client().Post(srv.URL, "", nil)
		if errors.Is(err, io.EOF) {
			continue // cut before a byte of it had left
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%s: got %q, whole", name, text)
		}
		res.Body.Close()
	}
}

func TestAnEarlyAnswerToALargeBodyArrives(t *testing.T) {
	leavesNothing(t)
	srv := beside(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	a := ask(t, srv, "POST", "/", zeros(100_000))
	if a.StatusCode != 413 || a.text != "too large\n" {
		t.Errorf("got %d %q", a.StatusCode, a.text)
	}
}

func TestConnectionsToTheAppAreKept(t *testing.T) {
	leavesNothing(t)
	var conns atomic.Int32
	m := misbehave.Listen(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		conns.Add(1)
		for misbehave.SkipHead(br) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	srv := serving(t, newApp(t, m.Addr))
	for range 5 {
		ask(t, srv, "GET", "/", nil)
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
}

func TestAnAppThatSpeaksHTTP2(t *testing.T) {
	leavesNothing(t)
	proto := make(chan string, 1)
	app := http.NewServeMux()
	app.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Proto + " " + r.Header.Get("Te")
		io.Copy(w, r.Body)
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	})
	srv := serving(t, newApp(t, servingHTTP2(t, app), func(c *sidecar.AppConfig) { c.HTTP2 = true }))
	a := ask(t, srv, "POST", "/", strings.NewReader("hello"), "Te", "trailers")
	if got := <-proto; got != "HTTP/2.0 trailers" || a.text != "hello" || a.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("got %q, %q, %v", got, a.text, a.Trailer)
	}
}

// servingHTTP2 is a server that speaks HTTP/2 without TLS, and its address.
func servingHTTP2(t *testing.T, h http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	srv.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-served })
	return l.Addr().String()
}

func TestAnAppMayListenOnTheOtherLoopbackAddress(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("there is no IPv6 here")
	}
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })}
	go app.Serve(l)
	defer app.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if a := ask(t, serving(t, newApp(t, "127.0.0.1:"+port)), "GET", "/", nil); a.text != "ok" {
		t.Errorf("got %d %q", a.StatusCode, a.text)
	}
}

func TestAnAppWithoutAnAddressIsRefused(t *testing.T) {
	for _, cfg := range []sidecar.AppConfig{{}, {Addr: "127.0.0.1"}, {Addr: "127.0.0.1:1", BodyLimit: -1}} {
		if _, err := sidecar.NewApp(cfg); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestAskingForTheBodyDoesNotMixWithHints(t *testing.T) {
	leavesNothing(t)
	const hint = "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
	m := misbehave.NewMachine(t, misbehave.Head(), misbehave.Say("HTTP/1.1 100 Continue\r\n\r\n"), misbehave.Times(50, hint),
		misbehave.Body(5), misbehave.Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), misbehave.End())
	srv := serving(t, newApp(t, m.Addr))
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"))
	c.Await("HTTP/1.1 100 Continue\r\n\r\n")
	c.Do(misbehave.Say("hello"))
	got := c.Heard()
	if rest := strings.ReplaceAll(strings.Replace(got, "HTTP/1.1 100 Continue\r\n\r\n", "", 1), hint, ""); !strings.HasPrefix(rest, "HTTP/1.1 200 OK") {
		t.Errorf("heard %q", rest)
	}
}
