package forward_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/edge/misbehave"
	"homing/forward"
	"homing/wire"
)

// serving2 is a machine on net/http's server that speaks HTTP/2 without TLS, and
// nothing else.
func serving2(t testing.TB, h http.HandlerFunc) (addr string, conns func() int) {
	var mu sync.Mutex
	var count int
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.DisableGeneralOptionsHandler = true // OPTIONS * is for h
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			mu.Lock()
			count++
			mu.Unlock()
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

func request2(method string) *forward.Request {
	r := request(method)
	r.HTTP2 = true
	return r
}

func TestHTTP2CarriesARequestAsItIs(t *testing.T) {
	leavesNothing(t)
	addr, conns := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s\n", r.Method, r.RequestURI, r.Host, r.Proto)
		r.Header.Write(w)
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %s %v", r.ContentLength, body, err)
	})
	p := newPool(t, forward.Config{})
	header := http.Header{
		"Cookie": {"a=1; b=2"}, "Twice": {"x", "y"}, "Te": {"gzip", "trailers"}, "Connection": {"close"}, "Keep-Alive": {"5"},
		"Expect": {"100-continue"}, "Transfer-Encoding": {"gzip"}, "Content_length": {"9"},
	}
	const fields = "Cookie: a=1; b=2\r\nTe: trailers\r\nTwice: x\r\nTwice: y\r\n"
	for _, target := range []string{"/", "/a/../b?c=d&&", "//host/x", "/a|b\"{}", "/%2f%20?q=%zz", "/caf\xc3\xa9", "*"} {
		for _, body := range []string{"", "hello"} {
			req := request2("POST")
			req.Target, req.Header = target, forward.Fields(header)
			if target == "*" {
				req.Method = "OPTIONS"
			}
			length, extra := "0 ", ""
			if body != "" {
				withBody(t, req, strings.NewReader(body), int64(len(body)))
				length, extra = "5 ", "Content-Length: 5\r\n"
			} else if req.Method == "POST" {
				extra = "Content-Length: 0\r\n"
			}
			want := fmt.Sprintf("%s %s app.test HTTP/2.0\n", req.Method, target) + extra + fields + length + body + " <nil>"
			resp, got := get(t, p, addr, req)
			if got != want || resp.Status != 200 {
				t.Errorf("%s: the machine got\n%s, want\n%s", target, got, want)
			}
		}
	}
	if conns() != 1 {
		t.Errorf("the machine saw %d connections, want 1", conns())
	}
}

func TestHTTP2SharesAConnection(t *testing.T) {
	leavesNothing(t)
	const many = 30
	var arrived sync.WaitGroup
	arrived.Add(many)
	addr, conns := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // all are there at once
		echo(w, r)
	})
	p := newPool(t, forward.Config{})
	var wait sync.WaitGroup
	for i := range many {
		wait.Go(func() {
			req := request2("POST")
			want := strings.Repeat(fmt.Sprint(i), 50_000)
			withBody(t, req, strings.NewReader(want), -1)
			resp, err := p.Do(t.Context(), addr, req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
				t.Errorf("request %d got %d bytes, %v", i, len(got), err)
			}
		})
	}
	wait.Wait()
	if conns() != 1 {
		t.Errorf("%d requests at once took %d connections, want 1", many, conns())
	}
}

func TestHTTP2Answers(t *testing.T) {
	leavesNothing(t)
	addr, _ := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch r.URL.Path {
		case "/trailer":
			h.Set("Trailer", "Sum, Missing")
			io.WriteString(w, "body")
			h.Set("Sum", "4")
			h.Set(http.TrailerPrefix+"Late", "x")
		case "/only": // what gRPC calls Trailers-Only
			h.Set("Grpc-Status", "5")
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			h.Set("Content-Length", "7")
			w.WriteHeader(http.StatusNotModified)
		case "/early":
			h.Set("Link", "</a>")
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusEarlyHints)
			h.Del("Link")
			http.NewResponseController(w).Flush()
		case "/gzip":
			h.Set("Content-Encoding", "gzip")
			io.WriteString(w, r.Header.Get("Accept-Encoding")+"not gzip at all")
		}
	})
	p := newPool(t, forward.Config{})
	for name, tc := range map[string]struct {
		method, path, body, trailer string
		status                      int
		length                      int64
		early                       []int
	}{
		"a trailer":                          {path: "/trailer", status: 200, length: 4, body: "body", trailer: "[{Late x} {Sum 4}]"},
		"an end with the head":               {path: "/only", status: 200, length: 0},
		"no content":                         {path: "/204", status: 204, length: 0},
		"the length of what it does not say": {path: "/304", status: 304, length: 0},
		"an answer to HEAD":                  {method: "HEAD", path: "/304", status: 304, length: 0},
		"1xx answers":                        {path: "/early", status: 200, length: -1, early: []int{102, 103}},
		"a coding nobody asked us to undo":   {path: "/gzip", status: 200, length: 15, body: "not gzip at all"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request2(tc.method)
			if req.Target = tc.path; tc.method == "" {
				req.Method = "GET"
			}
			var early []int
			req.Early = func(status int, h wire.Header) {
				early = append(early, status)
				if h.Get("Link") != "</a>" {
					t.Errorf("the %d says %v", status, h)
				}
			}
			resp, body := get(t, p, addr, req)
			trailer := ""
			if resp.Trailer != nil {
				trailer = fmt.Sprint(resp.Trailer)
			}
			if resp.Status != tc.status || resp.Length != tc.length || body != tc.body || trailer != tc.trailer || !slices.Equal(early, tc.early) {
				t.Errorf("got %d, length %d, %q, trailer %q, before it %v", resp.Status, resp.Length, body, trailer, early)
			}
		})
	}
}

func TestHTTP2GoesInBothDirectionsAtOnce(t *testing.T) {
	leavesNothing(t)
	addr, _ := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		buf := make([]byte, 10)
		for {
			n, err := r.Body.Read(buf)
			if err != nil {
				fmt.Fprintf(w, "then %v", err)
				return
			}
			w.Write(bytes.ToUpper(buf[:n]))
			http.NewResponseController(w).Flush()
		}
	})
	p := newPool(t, forward.Config{})
	client, says := io.Pipe()
	req := request2("POST")
	withBody(t, req, client, -1)
	resp, err := p.Do(t.Context(), addr, req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 5)
	for _, word := range []string{"hello", "there"} {
		io.WriteString(says, word)
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != strings.ToUpper(word) {
			t.Fatalf("%q came back as %q, %v", word, buf, err)
		}
	}
	says.Close()
	if rest, err := io.ReadAll(resp.Body); string(rest) != "then EOF" || err != nil {
		t.Errorf("at the end came %q, %v", rest, err)
	}
}

func TestHTTP2ABodyThatBreaksResetsTheStream(t *testing.T) {
	leavesNothing(t)
	read := make(chan error, 1)
	addr, conns := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			http.NewResponseController(w).Flush()
		}
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	p := newPool(t, forward.Config{})
	for _, path := range []string{"/", "/early"} {
		client, says := io.Pipe()
		req := request2("POST")
		req.Target = path
		withBody(t, req, client, -1)
		go func() {
			io.WriteString(says, "half")
			says.CloseWithError(errors.New("the cable was cut"))
		}()
		resp, err := p.Do(t.Context(), addr, req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if !errors.Is(err, forward.ErrBroken) {
			t.Errorf("%s: the exchange ended with %v", path, err)
		}
		if err := <-read; err == nil {
			t.Errorf("%s: the machine took half a body for a whole one", path)
		}
	}
	if _, body := get(t, p, addr, request2("GET")); body != "" || conns() != 1 {
		t.Errorf("the other streams suffered: %d connections", conns())
	}
}

func TestHTTP2EndsWithItsContext(t *testing.T) {
	leavesNothing(t)
	arrived, left := make(chan struct{}), make(chan struct{})
	addr, _ := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/answered" {
			http.NewResponseController(w).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	p := newPool(t, forward.Config{})
	for _, path := range []string{"/", "/answered"} {
		ctx, cancel := context.WithCancel(t.Context())
		client, says := io.Pipe() // which says nothing
		req := request2("POST")
		req.Target = path
		withBody(t, req, client, -1)
		done := background(ctx, p, addr, req)
		<-arrived
		cancel()
		<-left
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: ended with %v", path, err)
		}
		says.Close()
	}
}

func TestHTTP2AnswersBeforeTheBodyHasCome(t *testing.T) {
	leavesNothing(t)
	addr, conns := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusConflict)
		}
		io.WriteString(w, "enough")
	})
	p := newPool(t, forward.Config{})
	for _, path := range []string{"/", "/no"} {
		client, says := io.Pipe()
		req := request2("POST")
		req.Target = path
		body := withBody(t, req, client, -1)
		if _, got := get(t, p, addr, req); got != "enough" {
			t.Errorf("%s: got %q", path, got)
		}
		// The next attempt has it from the beginning.
		go func() { io.WriteString(says, "whole"); says.Close() }()
		if got, err := io.ReadAll(attempt(t, body)); string(got) != "whole" || err != nil {
			t.Errorf("%s: the next attempt reads %q, %v", path, got, err)
		}
	}
	if conns() != 1 {
		t.Errorf("the machine saw %d connections, want 1", conns())
	}
}

func TestHTTP2WhatCannotBeWrittenIsNotSent(t *testing.T) {
	p := newPool(t, forward.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("the machine was dialled")
		return nil, errors.New("never")
	}})
	for name, header := range map[string]http.Header{
		"an upgrade":       {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
		"a field in two":   {"A": {"b\r\nc: d"}},
		"a name with more": {"A: b\r\nC": {"d"}},
	} {
		req := request2("GET")
		req.Header = forward.Fields(header)
		_, err := p.Do(t.Context(), "machine:1", req)
		var fail *forward.Error
		if !errors.Is(err, forward.ErrUnwritable) || !errors.As(err, &fail) || fail.Sent || fail.Op != "send" {
			t.Errorf("%s: %+v", name, err)
		}
		if errors.Is(err, forward.ErrNoUpgrade) != (name == "an upgrade") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTTP2KeepsConnectionsForAWhile(t *testing.T) {
	leavesNothing(t)
	addr, conns := serving2(t, ok)
	p := newPool(t, forward.Config{IdleTimeout: 50 * time.Millisecond})
	first, _ := get(t, p, addr, request2("GET"))
	second, _ := get(t, p, addr, request2("GET"))
	if first.Connect <= 0 || second.Connect != 0 || conns() != 1 {
		t.Errorf("two requests: %v and %v to connect, %d connections", first.Connect, second.Connect, conns())
	}
	fresh := request2("GET")
	fresh.Fresh = true
	if third, _ := get(t, p, addr, fresh); third.Connect <= 0 || conns() != 2 {
		t.Errorf("a fresh connection: %v to connect, %d connections", third.Connect, conns())
	}
	misbehave.Eventually(t, "the idle ones are closed, so that a new one is opened", func() bool {
		select {
		case <-time.After(60 * time.Millisecond):
		case <-t.Context().Done():
		}
		get(t, p, addr, request2("GET"))
		return conns() > 2
	})
}

func TestHTTP2PoolIsClosed(t *testing.T) {
	leavesNothing(t)
	arrived, goOn := make(chan struct{}), make(chan struct{})
	addr, _ := serving2(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-goOn
		io.WriteString(w, "whole")
	})
	p := newPool(t, forward.Config{})
	var got string
	done := make(chan struct{})
	go func() { defer close(done); _, got = get(t, p, addr, request2("GET")) }()
	<-arrived
	p.Close()
	if _, err := p.Do(t.Context(), addr, request2("GET")); err == nil {
		t.Error("a closed pool served")
	}
	close(goOn)
	if <-done; got != "whole" {
		t.Errorf("the request under way got %q", got)
	}
}

func TestHTTP2MachinesThatCannotBeReached(t *testing.T) {
	leavesNothing(t)
	refused := errors.New("refused")
	for name, tc := range map[string]struct {
		dial func(ctx context.Context, network, addr string) (net.Conn, error)
		want error
	}{
		"a refusal": {func(context.Context, string, string) (net.Conn, error) { return nil, refused }, refused},
		"silence": {func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, forward.Config{Dial: tc.dial})
			var wait sync.WaitGroup
			for range 5 {
				wait.Go(func() {
					req := request2("POST")
					req.ConnectTimeout = 20 * time.Millisecond
					_, err := p.Do(t.Context(), "machine:1", req)
					var fail *forward.Error
					if !errors.Is(err, tc.want) || !errors.As(err, &fail) || fail.Op != "connect" || fail.Sent || fail.Reused {
						t.Errorf("%+v", err)
					}
				})
			}
			wait.Wait()
		})
	}
}
