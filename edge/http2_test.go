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
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/edge"
)

// overHTTP2 makes the world's client speak HTTP/2 without TLS.
func (w *world) overHTTP2() {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	w.client.Transport = &http.Transport{Protocols: p, DisableCompression: true}
}

// overTLS has the world's server listen behind TLS too, and makes the client speak
// HTTP/2 there. A request's URL must begin with https.
func (w *world) overTLS() {
	w.t.Helper()
	certified := httptest.NewUnstartedServer(nil) // for its certificate alone
	certified.StartTLS()
	certified.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	go w.server.Serve(tls.NewListener(l, w.server.TLS(&tls.Config{Certificates: certified.TLS.Certificates})))
	w.addr = l.Addr().String()
	w.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
}

func TestHTTP2(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close, Secret")
		w.Header().Set("Secret", "x")
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s|%s|%s|%s|%s", r.Proto, r.Method, r.RequestURI, body,
			r.Header.Get("Cookie"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("Via"), r.Header.Get("Te"))
	}))
	for _, scheme := range []string{"http", "https"} {
		if w.overHTTP2(); scheme == "https" {
			w.overTLS()
		}
		for _, body := range []string{"", "hello"} {
			r := w.request("POST", "/a%2Fb?c", strings.NewReader(body), "Cookie", "a=1", "Cookie", "b=2; c=3", "Te", "trailers")
			r.URL.Scheme = scheme
			resp, err := w.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			want := "HTTP/1.1 POST /a%2Fb?c " + body + "|a=1; b=2; c=3|" + scheme + "|2.0 homing|"
			if resp.ProtoMajor != 2 || string(got) != want {
				t.Errorf("over %s: %s, %q, want %q", scheme, resp.Proto, got, want)
			}
			h := resp.Header
			if h.Get("Fly-Request-Id") == "" || h.Get("Via") != "1.1 homing" || h.Get("Connection")+h.Get("Secret") != "" {
				t.Errorf("over %s: the answer's header is %v", scheme, h)
			}
			if rec := w.record(); rec.Status != 200 || rec.Path != "/a%2Fb" || rec.Host != w.addr || rec.ID != h.Get("Fly-Request-Id") {
				t.Errorf("over %s: the record is %+v", scheme, rec)
			}
		}
		w.client.CloseIdleConnections()
	}
}

func TestHTTP2OverTLSIsChosenInTheHandshake(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	w.overTLS()
	dial := func(protos ...string) *tls.Conn {
		c, err := tls.Dial("tcp", w.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: protos})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := dial() // nothing is chosen: HTTP/1.1
	io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if got, _ := bufio.NewReader(c).ReadString('\n'); !strings.HasPrefix(got, "HTTP/1.1 505 ") {
		t.Errorf("HTTP/2 that was not chosen got %q", got)
	}
	c = dial("http/1.1")
	fmt.Fprintf(c, get, "/")
	if got, _ := bufio.NewReader(c).ReadString('\n'); got != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("HTTP/1.1 got %q", got)
	}
	if cfg := w.server.TLS(&tls.Config{NextProtos: []string{"acme-tls/1", "h2"}}); fmt.Sprint(cfg.NextProtos) != "[h2 http/1.1 acme-tls/1]" {
		t.Errorf("TLS offers %v", cfg.NextProtos)
	}
	if cfg := w.server.TLS(nil); len(cfg.NextProtos) != 2 {
		t.Errorf("TLS offers %v", cfg.NextProtos)
	}
}

func TestHTTP2ABodyIsReplayed(t *testing.T) {
	w := newWorld(t, nil,
		serving(t, "near", "ams", replays("region=gru")),
		serving(t, "far", "gru", func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d %v %v", len(body), err, r.Header.Get("Fly-Replay-Src") != "")
		}))
	w.overHTTP2()
	for name, body := range map[string]io.Reader{
		"of known length": strings.NewReader(long), "of unknown length": io.MultiReader(strings.NewReader(long)),
	} {
		if a := w.send(w.request("POST", "/", body)); a.body != "1048576 <nil> true" || a.status != 200 {
			t.Errorf("a body %s: %d %q", name, a.status, a.body)
		}
		wantWay(t, w.record(), "near", "far")
	}
}

func TestHTTP2LargeBodiesInBothDirections(t *testing.T) {
	w := newWorld(t, func(c *edge.Config) { c.BodyLimit = 1 << 10 }, serving(t, "near", "ams", echo))
	w.overHTTP2()
	all := strings.Repeat(long, 3)
	if a := w.send(w.request("POST", "/", io.MultiReader(strings.NewReader(all)))); a.body != all || a.err != nil {
		t.Errorf("%d bytes came back, %v", len(a.body), a.err)
	}
}

func TestHTTP2AnswersPassAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		flush := http.NewResponseController(w).Flush
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				flush()
				<-next
			}
		case "/trailer":
			w.Header().Set("Trailer", "Sum")
			flush()
			w.Header().Set("Sum", "3")
		case "/cut":
			io.WriteString(w, "half")
			flush()
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Content-Length", "1048576")
		}
	}))
	w.overHTTP2()

	resp, err := w.client.Do(w.request("GET", "/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, _ := lines.ReadString('\n')
		lines.ReadString('\n')
		if line != fmt.Sprintf("data: %d\n", i) {
			t.Errorf("event %d is %q", i, line)
		}
		next <- struct{}{}
	}
	resp.Body.Close()

	resp, err = w.client.Do(w.request("GET", "/trailer", nil))
	if err != nil {
		t.Fatal(err)
	}
	io.ReadAll(resp.Body)
	if resp.Trailer.Get("Sum") != "3" {
		t.Errorf("the trailer is %v", resp.Trailer)
	}
	if a := w.send(w.request("GET", "/cut", nil)); a.body != "half" || a.err == nil {
		t.Errorf("half an answer looks whole: %q, %v", a.body, a.err)
	}
	if a := w.send(w.request("HEAD", "/", nil)); a.status != 200 || a.header.Get("Content-Length") != "1048576" {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
}

func TestHTTP2AClientThatGoesAwayIsNoticed(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // before, net/http would not look
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}))
	w.overHTTP2()
	for _, body := range []io.Reader{nil, strings.NewReader("body")} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		if _, err := w.client.Do(w.request("POST", "/", body).WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("the client got %v", err)
		}
		<-left
		if r := w.record(); !strings.Contains(r.Problem, "the client went away") {
			t.Errorf("the record says %+v", r)
		}
	}
}

func TestHTTP2ManyStreamsOnOneConnection(t *testing.T) {
	const many = 30
	var all sync.WaitGroup
	all.Add(many)
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		all.Done()
		all.Wait()
		echo(w, r)
	}))
	w.overHTTP2()
	var wait sync.WaitGroup
	for i := range many {
		wait.Go(func() {
			want := strings.Repeat(fmt.Sprint(i), 10_000)
			if a := w.do("POST", "/", want); a.body != want || a.err != nil {
				t.Errorf("request %d got %d bytes, %v", i, len(a.body), a.err)
			}
		})
	}
	wait.Wait()
	if n := w.server.Clients(); n != 1 {
		t.Errorf("there are %d connections, want 1", n)
	}
}

func TestHTTP2ABodyThatIsNotTakenHoldsUpNoOther(t *testing.T) {
	goOn := make(chan struct{})
	var dials counter
	w := newWorld(t, func(c *edge.Config) {
		c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if dials.Add(1) == 1 {
				return stuck{conn, goOn}, err
			}
			return conn, err
		}
	}, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	}))
	w.overHTTP2()
	const size = 2 << 20
	var sent counter
	done := make(chan string, 1)
	go func() { done <- w.send(w.request("POST", "/", io.LimitReader(zeros{&sent}, size))).body }()
	w.eventually("the first body fills what one may", func() bool { return dials.Load() == 1 && sent.Load() > 256<<10 })
	if a := w.do("POST", "/", long); a.body != "1048576 <nil>" {
		t.Errorf("the other body: %q", a.body)
	}
	close(goOn)
	if got := <-done; got != fmt.Sprint(size, " <nil>") {
		t.Errorf("the first one: %q", got)
	}
}

// stuck is a connection that takes nothing until it may.
type stuck struct {
	net.Conn
	goOn <-chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	<-s.goOn
	return s.Conn.Write(p)
}

// zeros counts what is read of it.
type zeros struct{ read *counter }

func (z zeros) Read(p []byte) (int, error) {
	clear(p)
	z.read.Add(int64(len(p)))
	return len(p), nil
}

func TestHTTP2AnAnswerThatIsNotTakenIsGivenUp(t *testing.T) {
	left := make(chan struct{})
	w := hurried(t, time.Minute, time.Minute, 50*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, long); err != nil {
				return
			}
		}
	})
	w.overHTTP2()
	resp, err := w.client.Do(w.request("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-left
	if r := w.record(); !strings.Contains(r.Problem, "the client went away") {
		t.Errorf("the record says %+v", r)
	}
}

func TestHTTP2AnAnswerThatPausesIsNot(t *testing.T) {
	goOn := make(chan struct{})
	w := hurried(t, time.Minute, time.Minute, 60*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one")
		http.NewResponseController(w).Flush()
		<-goOn
		io.WriteString(w, "two")
	})
	w.overHTTP2()
	time.AfterFunc(150*time.Millisecond, func() { close(goOn) })
	if a := w.do("GET", "/", ""); a.body != "onetwo" || a.err != nil {
		t.Errorf("got %q, %v", a.body, a.err)
	}
}

func TestHTTP2ShutdownLetsRequestsEnd(t *testing.T) {
	arrived, done := make(chan struct{}), make(chan struct{})
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-done
		}
		io.WriteString(w, "whole")
	}))
	w.overHTTP2()
	idle := &http.Client{Transport: w.client.Transport.(*http.Transport).Clone()}
	resp, err := idle.Get("http://" + w.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadAll(resp.Body)
	got := make(chan answer, 1)
	go func() { got <- w.do("GET", "/slow", "") }()
	<-arrived
	ended := make(chan error, 1)
	go func() { ended <- w.server.Shutdown(t.Context()) }()
	<-w.served
	w.eventually("the idle one is gone", func() bool { return w.server.Clients() == 1 })
	select {
	case err := <-ended:
		t.Errorf("while a request was under way, Shutdown returned %v", err)
	default:
	}
	close(done)
	if a := <-got; a.body != "whole" || a.err != nil {
		t.Errorf("the request under way got %q, %v", a.body, a.err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHTTP2CloseCutsRequests(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	}))
	goroutines := runtime.NumGoroutine()
	w.overHTTP2()
	ended := make(chan error, 1)
	go func() {
		_, err := w.client.Do(w.request("GET", "/", nil))
		ended <- err
	}()
	<-arrived
	w.server.Close()
	<-left
	if err := <-ended; err == nil {
		t.Error("the request got an answer")
	}
	w.eventually("nobody is left", func() bool { return w.server.Clients() == 0 })
	w.client.CloseIdleConnections()
	w.edge.Close()
	w.eventually("all goroutines have ended, that of Serve too", func() bool { return runtime.NumGoroutine() < goroutines })
}

func TestHTTP2IdleConnectionsAreClosed(t *testing.T) {
	w := hurried(t, 20*time.Millisecond, time.Minute, time.Minute, hello)
	f := newFrameClient(t, w.addr)
	if got := f.ask(heads("GET", "/", "a")); got != "200" {
		t.Errorf("got %s", got)
	}
	if got := f.answer(0); got != "GOAWAY NO_ERROR" { // closed a second later, if the client does not
		t.Errorf("the idle connection was told %s", got)
	}
}

func TestHTTP2AHeadThatDoesNotEndIsGivenUp(t *testing.T) {
	w := hurried(t, time.Minute, 10*time.Millisecond, time.Minute, hello)
	f := newFrameClient(t, w.addr)
	if got := f.ask(heads("GET", "/", "a")); got != "200" {
		t.Errorf("got %s", got)
	}
	f.WriteRawFrame(1, 0, 5, []byte{0x82}) // HEADERS, which do not end
	for {
		if _, err := f.ReadFrame(); err != nil {
			break
		}
	}
	w.eventually("the connection is closed", func() bool { return w.server.Clients() == 0 })

	c := w.dial() // and half a preface
	io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nS")
	if got, _ := io.ReadAll(c); bytes.HasPrefix(got, []byte("HTTP/1.1 200")) {
		t.Errorf("half a preface got %q", got)
	}
}
