package homeward_test

import (
	"bufio"
	"bytes"
	"context"
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
	"time"

	"homing/decision"
	"homing/edge/misbehave"
	"homing/homeward"
	"homing/replay"
)

func TestWhatThePrimaryIsSent(t *testing.T) {
	leavesNothing(t)
	got := make(chan *http.Request, 1)
	srv := site(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	ask(t, srv, "POST", "/a%2Fb?c=d&e", "hello",
		"Host", "app.test", "X-Custom", "1", "X-Custom", "2", "Cookie", "a=b", "Content-Type", "text/x",
		"Connection", "X-Hop", "X-Hop", "1", "Keep-Alive", "5", "Te", "trailers", "Proxy-Authorization", "x",
		"X-Forwarded-For", "9.9.9.9", "Fly-Client-Ip", "9.9.9.9",
		"Fly-Region", "gru", "Fly-Replay-Src", "region=x;state=method", "Homing-Primary", "gru",
		"Homing-Forwarded", "from=ams;to=ord;reason=method;t=1;mac=x", "Homing-Forwarded", "x",
		"Fly-Force-Region", "ams", "Fly-Prefer-Region", "ams", "Fly-Prefer-Instance-Id", "x", "Fly-Force-Instance-Id", "x")
	r := <-got
	if r.Method != "POST" || r.RequestURI != "/a%2Fb?c=d&e" || r.Host != "app.test" || r.ContentLength != 5 {
		t.Errorf("got %s %s, host %s, %d bytes", r.Method, r.RequestURI, r.Host, r.ContentLength)
	}
	for name, want := range map[string]string{
		"X-Custom": "1|2", "Cookie": "a=b", "Content-Type": "text/x", "Fly-Client-Ip": "9.9.9.9",
		"X-Forwarded-For": "9.9.9.9, 127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "app.test", "Via": "1.1 homing",
		replay.PreferRegionHeader: "ord",
		"X-Hop":                   "", "Keep-Alive": "", "Te": "", "Proxy-Authorization": "", "Connection": "",
		replay.RegionHeader: "", replay.SourceHeader: "", replay.PrimaryHeader: "",
		replay.ForceRegionHeader: "", replay.PreferInstanceHeader: "", replay.ForceInstanceHeader: "",
	} {
		if got := strings.Join(r.Header[name], "|"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	s, err := homeward.ReadStamp(keys(t, secretA), r, time.Now())
	if err != nil || s.From != "gru" || s.To != "ord" || s.Reason != decision.Method {
		t.Errorf("stamp %+v, %v", s, err)
	}
}

func TestWhatTheFirstProxySaidStands(t *testing.T) {
	leavesNothing(t)
	got := make(chan http.Header, 1)
	srv := site(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	ask(t, srv, "GET", "/", "", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "outer.test")
	if h := <-got; h.Get("X-Forwarded-Proto") != "https" || h.Get("X-Forwarded-Host") != "outer.test" {
		t.Error(h)
	}
}

func TestTheAnswerComesAsItIs(t *testing.T) {
	leavesNothing(t)
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-App", "1")
		h["Set-Cookie"] = []string{"a=1", "b=2"}
		h.Set("Homing-Position", "token")
		h.Set(replay.RoleHeader, "primary")
		h.Set(replay.DecisionHeader, "serve;reason=primary")
		h.Set("Fly-Replay-Cache", "x/*")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "1")
		switch r.URL.Path {
		case "/none":
			w.WriteHeader(204)
		case "/same":
			w.WriteHeader(304)
		case "/loop":
			w.WriteHeader(508)
			io.WriteString(w, "loop")
		default:
			h["Content-Type"] = nil
			w.WriteHeader(201)
			io.WriteString(w, "made")
		}
	})
	for _, tt := range []struct {
		method, path string
		status       int
		text         string
		length       int64
	}{
		{"POST", "/", 201, "made", 4}, {"HEAD", "/", 201, "", 4}, {"GET", "/none", 204, "", 0}, {"GET", "/same", 304, "", 0}, {"PUT", "/loop", 508, "loop", 4},
	} {
		a := ask(t, srv, tt.method, tt.path, "")
		if a.StatusCode != tt.status || a.text != tt.text || max(a.ContentLength, 0) != tt.length {
			t.Errorf("%s %s: got %d %q of %d bytes", tt.method, tt.path, a.StatusCode, a.text, a.ContentLength)
		}
		h := a.Header
		if h.Get("X-App") != "1" || len(h["Set-Cookie"]) != 2 || h.Get("Homing-Position") != "token" {
			t.Errorf("%s %s: the app's header is gone: %v", tt.method, tt.path, h)
		}
		for _, name := range []string{replay.RoleHeader, replay.DecisionHeader, "Fly-Replay-Cache", "X-Hop"} {
			if h[name] != nil {
				t.Errorf("%s %s: %s has left", tt.method, tt.path, name)
			}
		}
		if tt.path == "/" && h["Content-Type"] != nil {
			t.Errorf("a content type was guessed: %v", h)
		}
	}
}

func TestALargeBodyStreamsAndNothingIsKept(t *testing.T) {
	leavesNothing(t)
	const size = 64 << 20
	for name, body := range map[string]io.Reader{"of known length": zeros(size), "in chunks": struct{ io.Reader }{zeros(size)}} {
		t.Run(name, func(t *testing.T) {
			var w *homeward.Way
			primary := serving(t, func(rw http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				fmt.Fprint(rw, n, err, w.KeptBytes())
			})
			w = newWay(t, primary.URL)
			srv := serving(t, sending(w))
			r, _ := http.NewRequest("POST", srv.URL, body)
			if name == "of known length" {
				r.ContentLength = size
			}
			res, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if text, _ := io.ReadAll(res.Body); string(text) != fmt.Sprint(size, nil, 0) {
				t.Errorf("got %s", text)
			}
		})
	}
}

func TestABodyThatTheAppReadIsSent(t *testing.T) {
	leavesNothing(t)
	var arrived bytes.Buffer
	primary := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived.Reset()
		arrived.ReadFrom(r.Body)
	})
	text := strings.Repeat("0123456789", 10_000)
	for name, app := range map[string]func(io.Reader){
		"all of it":  readAll,
		"a part":     func(r io.Reader) { io.ReadFull(r, make([]byte, 12_345)) },
		"nothing":    func(io.Reader) {},
		"and closed": func(r io.Reader) { readAll(r); r.(io.Closer).Close() },
	} {
		for _, kind := range []string{"of known length", "in chunks"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				w := newWay(t, primary.URL)
				srv := serving(t, afterReading(w, app))
				var body io.Reader = strings.NewReader(text)
				if kind == "in chunks" {
					body = struct{ io.Reader }{body}
				}
				if a := askWith(t, srv, "POST", "/", body); a.StatusCode != 200 || arrived.String() != text {
					t.Errorf("got %d, and %d bytes arrived", a.StatusCode, arrived.Len())
				}
				misbehave.Eventually(t, "nothing is kept", func() bool { return w.KeptBytes() == 0 })
			})
		}
	}
}

func TestABodyThatWasNotKeptIsRefused(t *testing.T) {
	leavesNothing(t)
	var asked atomic.Int32
	primary := serving(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	for _, tt := range []struct {
		name   string
		change func(*homeward.Config)
		app    func(io.Reader)
		status int
	}{
		{"larger than one may be", func(c *homeward.Config) { c.BodyLimit = 99_999 }, readAll, 413},
		{"larger than all may be", func(c *homeward.Config) { c.BodyBudget = 99_999 }, readAll, 413},
		{"and the app has not read it", func(c *homeward.Config) { c.BodyLimit = 99_999 }, func(io.Reader) {}, 200},
	} {
		for _, kind := range []string{"of known length", "in chunks"} {
			asked.Store(0)
			w := newWay(t, primary.URL, tt.change)
			srv := serving(t, afterReading(w, tt.app))
			body := zeros(100_000)
			if kind == "of known length" {
				body = bytes.NewReader(make([]byte, 100_000))
			}
			a := askWith(t, srv, "POST", "/", body)
			if a.StatusCode != tt.status || (asked.Load() == 1) != (tt.status == 200) {
				t.Errorf("%s, %s: got %d %q, and the primary was asked %d times", tt.name, kind, a.StatusCode, a.text, asked.Load())
			}
			if tt.status == 413 && !strings.Contains(a.text, "ord") {
				t.Errorf("got %q", a.text)
			}
			misbehave.Eventually(t, "nothing is kept", func() bool { return w.KeptBytes() == 0 })
		}
	}
}

func TestWhatTheAppReadsIsTheSameAsWithoutUs(t *testing.T) {
	w := newWay(t, "http://127.0.0.1:1")
	srv := serving(t, func(rw http.ResponseWriter, r *http.Request) {
		u := w.Keep(rw, r)
		if u == nil {
			io.WriteString(rw, "no body")
			return
		}
		defer u.Close()
		body := u.Reader()
		if r.URL.Path == "/limited" {
			body = http.MaxBytesReader(rw, body, 5)
		}
		text, err := io.ReadAll(body)
		body.Close()
		_, closed := body.Read(make([]byte, 1))
		fmt.Fprintf(rw, "%s|%v|%v", text, err, closed)
	})
	for _, tt := range []struct{ name, path, body, want string }{
		{"none", "/", "", "no body"},
		{"a body", "/", "hello", "hello|<nil>|http: invalid Read on closed Body"},
		{"one that the app finds too large", "/limited", "hello!", "hello|http: request body too large|"},
	} {
		if a := ask(t, srv, "POST", tt.path, tt.body); !strings.HasPrefix(a.text, tt.want) {
			t.Errorf("%s: %q", tt.name, a.text)
		}
	}
}

func TestABodyThatBreaksOffLooksToTheAppAsWithoutUs(t *testing.T) {
	leavesNothing(t)
	got := make(chan error, 1)
	w := newWay(t, "http://127.0.0.1:1")
	srv := serving(t, func(rw http.ResponseWriter, r *http.Request) {
		u := w.Keep(rw, r)
		defer u.Close()
		_, err := io.ReadAll(u.Reader())
		got <- err
	})
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nhello"), misbehave.HalfClose())
	if err := <-got; err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
}

func TestAnswersOfOneHundredComeThrough(t *testing.T) {
	leavesNothing(t)
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "ok")
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
	defer res.Body.Close()
	if len(early) != 1 || early[0] != "103</style.css>; rel=preload" || res.Header.Get("Link") != "" {
		t.Errorf("got %q, then %v", early, res.Header)
	}
}

func TestTrailersComeThrough(t *testing.T) {
	leavesNothing(t)
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"Digest", "x")
	})
	if a := ask(t, srv, "GET", "/", ""); a.text != "ok" || a.Trailer.Get("Digest") != "x" {
		t.Errorf("got %q, trailer %v", a.text, a.Trailer)
	}
}

func TestEventsComeAsTheyAreSent(t *testing.T) {
	leavesNothing(t)
	more := make(chan struct{})
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-more
		}
	})
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for i := range 3 {
		line, _ := lines.ReadString('\n')
		if _, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("event %d is %q, %v", i, line, err)
		}
		more <- struct{}{}
	}
}

func TestAClientThatGoesEndsTheExchange(t *testing.T) {
	leavesNothing(t)
	begun, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
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

func TestAnUpgradeIsTunnelled(t *testing.T) {
	leavesNothing(t)
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "upgrade" || r.Header.Get("Upgrade") != "websocket" {
			t.Errorf("asked with %v", r.Header)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-App: 1\r\n\r\nhello ")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		io.WriteString(conn, strings.ToUpper(line))
	})
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
	c.Await("hello ")
	c.Do(misbehave.Say("world\n"))
	got := c.Heard()
	if !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, "X-App: 1\r\n") || !strings.HasSuffix(got, "\r\n\r\nhello WORLD\n") {
		t.Errorf("heard %q", got)
	}
}

func TestAClientThatWaitsIsAskedWhenTheAppReads(t *testing.T) {
	leavesNothing(t)
	srv := site(t, func(w http.ResponseWriter, r *http.Request) {
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
	if got := c.Heard(); strings.Count(got, "100 Continue") != 1 || !strings.Contains(got, "200 OK") || !strings.HasSuffix(got, "hello") {
		t.Errorf("heard %q", got)
	}
	c = misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST /refused" + head))
	if got := c.Heard(); !strings.HasPrefix(got, "HTTP/1.1 403 ") {
		t.Errorf("heard %q", got)
	}
}

// The client is asked for its body by one goroutine while hints come in another.
func TestAskingForTheBodyDoesNotMixWithHints(t *testing.T) {
	leavesNothing(t)
	const hint = "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
	m := misbehave.NewMachine(t, misbehave.Head(), misbehave.Say("HTTP/1.1 100 Continue\r\n\r\n"), misbehave.Times(50, hint),
		misbehave.Body(5), misbehave.Say(ok), misbehave.End())
	srv := serving(t, sending(newWay(t, "http://"+m.Addr)))
	c := misbehave.Dial(t, srv.Listener.Addr().String())
	c.Do(misbehave.Say("POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"))
	c.Await("HTTP/1.1 100 Continue\r\n\r\n")
	c.Do(misbehave.Say("hello"))
	got := c.Heard()
	if rest := strings.ReplaceAll(strings.Replace(got, "HTTP/1.1 100 Continue\r\n\r\n", "", 1), hint, ""); !strings.HasPrefix(rest, "HTTP/1.1 200 OK") {
		t.Errorf("heard %q", rest)
	}
}

func TestAPrimaryThatCannotBeReached(t *testing.T) {
	leavesNothing(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	w := newWay(t, "http://"+l.Addr().String())
	var problem *homeward.Problem
	srv := serving(t, func(rw http.ResponseWriter, r *http.Request) { problem = w.Send(rw, r, errand) })
	for method, body := range map[string]string{"POST": "hello", "GET": "", "HEAD": ""} {
		a := ask(t, srv, method, "/", body)
		if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || a.Header.Get(replay.OutcomeHeader) != "" {
			t.Errorf("%s: got %d %v", method, a.StatusCode, a.Header)
		}
		if want := "The primary's region ord cannot be reached from gru: the connection was refused. Nothing was sent.\n"; method != "HEAD" && a.text != want {
			t.Errorf("%s: got %q", method, a.text)
		}
		if problem == nil || problem.Status != 503 || problem.Err == nil {
			t.Errorf("%s: returned %+v", method, problem)
		}
	}
}

func TestNothingIsSentTwice(t *testing.T) {
	leavesNothing(t)
	say := misbehave.Say
	const partial = "HTTP/1.1 200 OK\r\nContent-Le"
	for _, tt := range []struct {
		name, method string
		writes       bool
		steps        []misbehave.Step
		status, sent int
	}{
		{"a write that is reset", "POST", false, []misbehave.Step{misbehave.Head(), misbehave.Reset()}, 502, 1},
		{"a write that is closed upon", "DELETE", false, []misbehave.Step{misbehave.Head(), misbehave.End()}, 502, 1},
		{"a write on a kept connection", "POST", false, []misbehave.Step{misbehave.Head(), say(ok), misbehave.Head(), misbehave.Reset()}, 502, 2},
		{"a GET that writes", "GET", true, []misbehave.Step{misbehave.Head(), misbehave.Reset()}, 502, 1},
		{"a GET", "GET", false, []misbehave.Step{misbehave.Head(), misbehave.Reset()}, 200, 2},
		{"a HEAD", "HEAD", false, []misbehave.Step{misbehave.Head(), misbehave.End()}, 200, 2},
		{"a GET of whose answer something came", "GET", false, []misbehave.Step{misbehave.Head(), say(partial), misbehave.End()}, 502, 1},
		{"a write of whose answer something came", "PUT", false, []misbehave.Step{misbehave.Head(), say(partial), misbehave.End()}, 502, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := misbehave.NewMachine(t, tt.steps...)
			w := newWay(t, "http://"+m.Addr)
			srv := serving(t, func(rw http.ResponseWriter, r *http.Request) {
				e := errand
				e.Writes = tt.writes
				w.Send(rw, r, e)
			})
			if tt.sent == 2 && tt.status == 502 {
				ask(t, srv, tt.method, "/", "") // leaves a kept connection
			}
			a := ask(t, srv, tt.method, "/", "")
			if a.StatusCode != tt.status || m.Deliveries("/") != tt.sent {
				t.Errorf("got %d after %d deliveries, want %d after %d", a.StatusCode, m.Deliveries("/"), tt.status, tt.sent)
			}
			unknown := tt.status == 502 && (tt.method != "GET" || tt.writes)
			if got := a.Header.Get(replay.OutcomeHeader); (got == "unknown") != unknown {
				t.Errorf("%s: %q", replay.OutcomeHeader, got)
			}
			if tt.status == 502 && !strings.Contains(a.text, "may have been carried out") {
				t.Errorf("got %q", a.text)
			}
		})
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestAGETIsTriedNoMoreThanTwice(t *testing.T) {
	leavesNothing(t)
	m := misbehave.Listen(t, func(_ int, c *net.TCPConn, br *bufio.Reader) { misbehave.SkipHead(br) })
	a := ask(t, serving(t, sending(newWay(t, "http://"+m.Addr))), "GET", "/", "")
	if a.StatusCode != 502 || m.Conns() != 2 {
		t.Errorf("got %d after %d tries", a.StatusCode, m.Conns())
	}
}

func TestHalfAnAnswerDoesNotLookWhole(t *testing.T) {
	leavesNothing(t)
	for name, head := range map[string]string{
		"of known length": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		m := misbehave.NewMachine(t, misbehave.Head(), misbehave.Say(head), misbehave.End())
		srv := serving(t, sending(newWay(t, "http://"+m.Addr)))
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

func TestAReplayThatNobodyCarriedOutIsNoAnswer(t *testing.T) {
	leavesNothing(t)
	srv := site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(replay.Header, "region=ord;state=secret")
		w.WriteHeader(409)
	})
	a := ask(t, srv, "POST", "/", "hello")
	if a.StatusCode != 502 || a.Header.Get(replay.Header) != "" || !strings.Contains(a.text, "HOMING_PRIMARY_URL") || strings.Contains(a.text, "secret") {
		t.Errorf("got %d %v %q", a.StatusCode, a.Header, a.text)
	}
}
