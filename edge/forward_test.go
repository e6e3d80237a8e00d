package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/machine"
	"homing/region"
)

func TestARequestGoesToTheNearestMachineAndIsRecorded(t *testing.T) {
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Homing-Decision", "serve;reason=read;role=replica")
		w.Header().Set("App", "x")
		w.WriteHeader(201)
		fmt.Fprint(w, r.Method, " ", r.RequestURI, " ", r.Host)
	})
	w := newWorld(t, nil, serving(t, "far", "ord", hello), near)
	a := w.do("PUT", "/a%2Fb?secret=1", "")
	if a.status != 201 || a.body != "PUT /a%2Fb?secret=1 "+w.addr || a.header.Get("App") != "x" {
		t.Errorf("got %+v", a)
	}
	r := w.record()
	wantWay(t, r, "near")
	if r.ID != a.header.Get("Fly-Request-Id") || r.Edge != "ams" || r.Method != "PUT" || r.Path != "/a%2Fb" ||
		r.Host != w.addr || r.Status != 201 || r.Code != "" || r.Problem != "" || r.Duration <= 0 {
		t.Errorf("record %+v", r)
	}
	h := r.Last()
	if h.Region != "ams" || h.Way != 0 || h.Status != 201 || h.Replayed || h.Decision.Reason != "read" ||
		h.Decision.Role != machine.Replica || h.Took <= 0 || h.Took > r.Duration {
		t.Errorf("hop %+v", h)
	}
}

func TestTheRequestIDIsAULIDAndTheRegion(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Fly-Request-Id", "the machine's own")
		io.WriteString(w, r.Header.Get("Fly-Request-Id"))
	}))
	shape := regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}-ams$`)
	seen := make(map[string]bool)
	for range 50 {
		before := time.Now().UnixMilli()
		a := w.do("GET", "/", "")
		id := a.header.Get("Fly-Request-Id")
		if !shape.MatchString(id) || seen[id] || a.body != id {
			t.Fatalf("ID %q, told to the machine as %q", id, a.body)
		}
		if at := ulidTime(id); at < before || at > time.Now().UnixMilli() {
			t.Fatalf("ID %q is of %d, asked for at %d", id, at, before)
		}
		seen[id] = true
	}
}

// ulidTime reads the milliseconds in a ULID's first ten characters.
func ulidTime(id string) (ms int64) {
	for _, c := range id[:10] {
		ms = ms<<5 | int64(strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c))
	}
	return ms
}

// headers is a machine that answers with the request's head as it sees it.
func headers(w http.ResponseWriter, r *http.Request) { r.Header.Write(w) }

// parse reads what headers answered.
func parse(t *testing.T, a answer) http.Header {
	t.Helper()
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(a.body + "\r\n"))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return http.Header(h)
}

func TestWhatAMachineIsTold(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", headers))
	_, port, _ := net.SplitHostPort(w.addr)
	got := parse(t, w.do("GET", "/", "", "X-Forwarded-For", "9.9.9.9", "X-Forwarded-For", "8.8.8.8",
		"X-Forwarded-Proto", "https", "Via", "1.0 other", "Cookie", "a=1", "User-Agent", "me"))
	for name, want := range map[string]string{
		"Fly-Client-Ip":      "127.0.0.1",
		"Fly-Forwarded-Port": port,
		"Fly-Region":         "ams",
		"X-Forwarded-For":    "9.9.9.9, 8.8.8.8, 127.0.0.1, 127.0.0.1",
		"X-Forwarded-Proto":  "http",
		"X-Forwarded-Port":   port,
		"X-Forwarded-Ssl":    "off",
		"Via":                "1.0 other, 1.1 homing",
		"Cookie":             "a=1",
		"User-Agent":         "me",
	} {
		if got := strings.Join(got[name], ", "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`).MatchString(got.Get("Traceparent")) {
		t.Errorf("Traceparent %q", got.Get("Traceparent"))
	}
	const mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if got := parse(t, w.do("GET", "/", "", "Traceparent", mine)).Get("Traceparent"); got != mine {
		t.Errorf("the client's trace became %q", got)
	}
}

func TestAClientCannotSayWhatOnlyAnEdgeMay(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", headers))
	for _, name := range []string{
		"Fly-Replay-Src", "fly-replay-src", "FLY-REPLAY-SRC", "Fly-Replay-Failed", "Fly-Replay-Cache-Status",
		"Fly-Preferred-Instance-Unavailable", "homing-primary", "fly-region", "fly-client-ip", "Fly-Forwarded-Port",
		"Fly-Request-Id", "fly_replay_src", "Fly-Replay_Src", "homing_primary", "x_forwarded_proto", "X-Forwarded-Port",
	} {
		t.Run(name, func(t *testing.T) {
			got := w.talk("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n" + name + ": forged\r\nfly_own: kept\r\n\r\n")
			if strings.Contains(got, "forged") || !strings.Contains(got, "HTTP/1.1 200") || !strings.Contains(got, "kept") {
				t.Errorf("the machine got it:\n%s", got)
			}
		})
	}
}

func TestHopByHopFieldsGoNoFurther(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "x-back")
		w.Header().Set("X-Back", "hop")
		w.Header().Set("Keep-Alive", "hop")
		w.Header().Set("Proxy-Authenticate", "hop")
		w.Header().Set("Upgrade", "hop")
		w.Header().Set("Stays", "end")
		headers(w, r)
	}))
	got := w.talk("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close, X-One\r\nConnection: x-two\r\nX-One: hop\r\nX-Two: hop\r\n" +
		"Keep-Alive: hop\r\nProxy-Connection: hop\r\nProxy-Authorization: hop\r\nTE: hop\r\nUpgrade: hop\r\nStays: there\r\n\r\n")
	if strings.Contains(got, "hop\r\n") {
		t.Errorf("hop-by-hop fields were passed on:\n%s", got)
	}
	for _, want := range []string{"Stays: end", "Stays: there"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
}

func TestWhatIsBetweenMachineAndEdgeNeverLeaves(t *testing.T) {
	inner := []string{"Homing-Role", "Homing-Decision", "Fly-Replay-Cache", "Fly-Replay-Cache-Ttl-Secs", "Fly-Replay-Cache-Allow-Bypass", "Fly-Replay-Src"}
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range inner {
			w.Header().Set(name, "x")
		}
		w.Header().Set("Server", "app")
		w.Header().Set("Via", "1.1 cache")
		w.Header().Set("Link", "</a>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Homing-Position", "token")
	}))
	r := w.request("GET", "/", nil)
	var early []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		for _, name := range inner {
			if h.Get(name) != "" {
				t.Errorf("%s left with a %d", name, status)
			}
		}
		early = append(early, fmt.Sprint(status, h.Get("Link")))
		return nil
	}}
	a := w.send(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	for _, name := range inner {
		if a.header.Get(name) != "" {
			t.Errorf("%s left", name)
		}
	}
	if len(early) != 1 || early[0] != "103</a>" {
		t.Errorf("early answers %q, want the 103", early)
	}
	if got := a.header["Via"]; len(got) != 2 || got[1] != "1.1 homing" || a.header.Get("Server") != "homing" ||
		a.header.Get("Homing-Position") != "token" {
		t.Errorf("header %v", a.header)
	}
}

func TestAClientOfHTTP10GetsNoEarlyAnswer(t *testing.T) {
	w := newWorld(t, nil, says(t, "near", "ams", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	if got := w.talk("GET / HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, "\r\n\r\nok") {
		t.Errorf("got %q", got)
	}
}

func TestAnswersArriveAsTheMachineGaveThem(t *testing.T) {
	cases := []struct {
		behaviour, method, answer string
		want                      []string // parts of what the client gets
		not                       string
	}{
		{"a length", "GET", "200 OK\r\nContent-Length: 2\r\n\r\nok", []string{"200 OK", "Content-Length: 2", "\r\n\r\nok"}, "Transfer-Encoding"},
		{"chunks", "GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", []string{"Transfer-Encoding: chunked", "\r\n\r\n2\r\nok\r\n0\r\n\r\n"}, "Content-Length"},
		{"a trailer", "GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nDigest: x\r\nHoming-Role: y\r\n\r\n", []string{"0\r\nDigest: x\r\n\r\n"}, "Homing-Role"},
		{"no length at all", "GET", "200 OK\r\nConnection: close\r\n\r\nok", []string{"2\r\nok\r\n0\r\n\r\n"}, "Content-Length"},
		{"HEAD", "HEAD", "200 OK\r\nContent-Length: 7\r\n\r\n", []string{"Content-Length: 7"}, "\r\n\r\n7"},
		{"204", "GET", "204 No Content\r\n\r\n", []string{"204 No Content"}, "Content-Length"},
		{"304", "GET", "304 Not Modified\r\nEtag: x\r\n\r\n", []string{"304 Not Modified", "Etag: x"}, "Content-Length"},
		{"no type is guessed", "GET", "200 OK\r\nContent-Length: 6\r\n\r\n<html>", []string{"<html>"}, "Content-Type"},
		{"a status of its own", "GET", "599 Odd\r\nContent-Length: 0\r\n\r\n", []string{"HTTP/1.1 599"}, ""},
		{"a status that is none", "GET", "799 Odd\r\nContent-Length: 0\r\n\r\n", []string{"HTTP/1.1 502", "Homing-Error: PU02"}, "799"},
		{"a value that ends up in logs", "GET", "200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n", []string{"HTTP/1.1 502", "Homing-Error: PU02"}, "\x01"},
		{"cookies", "GET", "200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n", []string{"Set-Cookie: a\r\n", "Set-Cookie: b\r\n"}, ""},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			w := newWorld(t, nil, says(t, "near", "ams", "HTTP/1.1 "+c.answer))
			got := w.talk(c.method + " / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in\n%s", want, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("%q is in\n%s", c.not, got)
			}
		})
	}
}

func TestOddTargets(t *testing.T) {
	cases := []struct{ behaviour, line, want string }{
		{"absolute form becomes origin form", "GET http://app.test/a%2Fb?q HTTP/1.1", "GET /a%2Fb?q app.test"},
		{"its path may be missing", "GET http://app.test HTTP/1.1", "GET / app.test"},
		{"OPTIONS * reaches the app", "OPTIONS * HTTP/1.1", "OPTIONS * app.test"},
		{"two slashes stay", "GET //a//b HTTP/1.1", "GET //a//b app.test"},
	}
	target := make(chan string, 1)
	// A server by hand: net/http's would answer OPTIONS * itself.
	w := newWorld(t, nil, raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			target <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Host)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}))
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			if a := w.talk(c.line + "\r\nHost: app.test\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(a, "HTTP/1.1 200") {
				t.Fatalf("got %q", a)
			}
			if got := <-target; got != c.want {
				t.Errorf("the machine got %q, want %q", got, c.want)
			}
		})
	}
}

func TestConnectIsRefused(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	got := w.talk("CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 400") || !strings.Contains(got, "CONNECT") {
		t.Errorf("got %q", got)
	}
	wantWay(t, w.record())
}

func TestEventsArriveOneByOne(t *testing.T) {
	next := make(chan string)
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		for event := range next {
			fmt.Fprintf(w, "data: %s\n\n", event)
			http.NewResponseController(w).Flush()
		}
	}))
	resp, err := w.client.Do(w.request("GET", "/", nil)) // returns before there is an event
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for _, event := range []string{"one", "two", "three"} {
		next <- event
		line, err := br.ReadString('\n')
		if line != "data: "+event+"\n" || err != nil {
			t.Fatalf("got %q, %v", line, err)
		}
		br.ReadString('\n')
	}
	close(next)
	if rest, err := io.ReadAll(br); len(rest) > 0 || err != nil {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
}

func TestBothSidesMaySpeakAtOnce(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.EnableFullDuplex()
		rc.Flush()
		buf := make([]byte, 1)
		for {
			if _, err := io.ReadFull(r.Body, buf); err != nil {
				return
			}
			w.Write(buf)
			rc.Flush()
		}
	}))
	pr, pw := io.Pipe()
	resp, err := w.client.Do(w.request("POST", "/", pr))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got [1]byte
	for _, want := range []byte("abc") {
		pw.Write([]byte{want})
		if _, err := io.ReadFull(resp.Body, got[:]); err != nil || got[0] != want {
			t.Fatalf("sent %q, got %q, %v", want, got, err)
		}
	}
	pw.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("the answer ended with %q, %v", rest, err)
	}
}

func TestALargeUploadThatIsNotReplayedPasses(t *testing.T) {
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprint("announced ", announced), func(t *testing.T) {
			w := newWorld(t, func(c *edge.Config) { c.BodyLimit = 1 << 10 }, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				fmt.Fprint(w, n, err)
			}))
			if a := w.send(w.request("POST", "/", body(long, announced))); a.body != fmt.Sprint(len(long), nil) {
				t.Errorf("the machine got %s", a.body)
			}
		})
	}
}

// body is text whose length is announced, or not.
func body(text string, announced bool) io.Reader {
	if announced {
		return strings.NewReader(text)
	}
	return io.MultiReader(strings.NewReader(text))
}

// TestAnAnswerThatDoesNotWaitForTheBody comes to a client that goes on sending
// and reads only when it is done, as many do.
func TestAnAnswerThatDoesNotWaitForTheBody(t *testing.T) {
	for _, framing := range []string{"Content-Length: 67108864", "Transfer-Encoding: chunked"} {
		t.Run(framing, func(t *testing.T) {
			w := newWorld(t, nil, raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
				skipHead(br)
				io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nearly")
				io.Copy(io.Discard, br)
			}))
			c := w.dial()
			fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: app.test\r\n%s\r\n\r\n", framing)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if resp.StatusCode != 413 || string(got) != "early" || err != nil || !resp.Close {
				t.Errorf("got %d %q, %v, closing %v", resp.StatusCode, got, err, resp.Close)
			}
		})
	}
}

func TestAnEarlyAnswerReachesAClientThatIsBusySending(t *testing.T) {
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprint("announced ", announced), func(t *testing.T) {
			w := newWorld(t, nil, says(t, "near", "ams", "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nearly"))
			for range 20 {
				c := w.dial()
				head := "Transfer-Encoding: chunked\r\n\r\n"
				if announced {
					head = "Content-Length: 67108864\r\n\r\n"
				}
				io.WriteString(c, "POST / HTTP/1.1\r\nHost: app.test\r\n"+head)
				go func() {
					piece := long[:16<<10]
					if !announced {
						piece = "4000\r\n" + piece + "\r\n"
					}
					for range 4 << 10 {
						if _, err := io.WriteString(c, piece); err != nil {
							return
						}
					}
				}()
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(resp.Body); resp.StatusCode != 413 || string(got) != "early" || err != nil {
					t.Fatalf("got %d %q, %v", resp.StatusCode, got, err)
				}
				c.Close()
			}
		})
	}
}

// TestTheRestOfABodyIsNotTheNextRequest is about smuggling: the machine answers
// before it has the body, and the body's end looks like a request.
func TestTheRestOfABodyIsNotTheNextRequest(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n"
	var paths counter
	w := newWorld(t, nil, raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		line, _ := br.ReadString('\n')
		if strings.Contains(line, "smuggled") {
			paths.Add(1)
		}
		skipHead(br)
		io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
	}))
	c := w.dial()
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n", len(smuggled))
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadAll(resp.Body)
	io.WriteString(c, smuggled)
	if rest, _ := io.ReadAll(br); len(rest) > 0 || paths.Load() > 0 {
		t.Errorf("the body was taken for a request; the answer to it: %q", rest)
	}
	wantWay(t, w.record(), "near")
	if len(w.records) > 0 {
		t.Error("there is a second record")
	}
}

func TestAConnectionServesManyRequestsWithBodies(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", echo))
	c := w.dial()
	br := bufio.NewReader(c)
	for i := range 20 {
		framed := "Content-Length: 5\r\n\r\nhello"
		if i%2 == 1 {
			framed = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
		}
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: app.test\r\n"+framed)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "hello" || err != nil {
			t.Fatalf("request %d: %q, %v", i, got, err)
		}
	}
}

func TestAClientThatGoesAwayEndsTheMachinesRequest(t *testing.T) {
	cases := []struct {
		behaviour, request string
		begin              bool // the answer has begun when the client goes
		problem            string
	}{
		{"before the answer", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, "before there was an answer"},
		{"within the answer", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, "before the answer ended"},
		{"within its own body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", false, "before there was an answer"},
		{"within a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", false, "before there was an answer"},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			arrived, left := make(chan struct{}), make(chan struct{})
			machine := func(w http.ResponseWriter, r *http.Request) {
				if c.begin {
					http.NewResponseController(w).Flush()
				}
				close(arrived)
				io.ReadAll(r.Body)
				<-r.Context().Done()
				close(left)
			}
			w := newWorld(t, nil, serving(t, "near", "ams", machine), serving(t, "other", "ord", hello))
			conn := w.dial()
			io.WriteString(conn, c.request)
			<-arrived
			if c.begin {
				bufio.NewReader(conn).ReadString('\n')
			}
			conn.Close()
			<-left
			r := w.record()
			wantWay(t, r, "near")
			if r.Code != "" || !strings.Contains(r.Problem, "the client went away "+c.problem) {
				t.Errorf("recorded as %q %q", r.Code, r.Problem)
			}
		})
	}
}

// fullWriter is the side of a client that takes nothing, before the server has
// noticed that it is gone.
type fullWriter struct{ *httptest.ResponseRecorder }

func (fullWriter) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestAClientThatTakesNoMoreIsNotTheMachinesFault(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("the handler ended with %v", got)
			}
		}()
		w.edge.ServeHTTP(fullWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	}()
	if r := w.record(); r.Code != "" || r.Last().Problem != "" || !strings.Contains(r.Problem, "the client went away") {
		t.Errorf("record %+v", r)
	}
}

func TestABodyThatCannotBeReadIsTheClientsFault(t *testing.T) {
	for _, method := range []string{"POST", "GET"} {
		t.Run(method, func(t *testing.T) {
			drain := func(_ http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) }
			w := newWorld(t, nil, serving(t, "near", "ams", drain), serving(t, "far", "ord", drain))
			got := w.talk(method + " / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\nnot hexadecimal\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 400") || !strings.Contains(got, "Homing-Error: BAD") {
				t.Errorf("got %q", got)
			}
			wantWay(t, w.record(), "near") // and nobody else
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := edge.New(edge.Config{Region: "eu"})
	for _, want := range []string{"Region", "Fleet"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	good := edge.Config{Region: "ams", App: "web", Fleet: fleet.New(func(_, _ region.Code) time.Duration { return 0 })}
	if _, err := edge.New(good); err != nil {
		t.Error(err)
	}
}

func TestAMachineWhoseAnswerCanBeReadInTwoWaysIsNotPassedOn(t *testing.T) {
	for behaviour, answer := range map[string]string{
		"two lengths":             "200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
		"a length beside chunks":  "200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"a line ends with LF":     "200 OK\r\nX: y\nContent-Length: 0\r\n\r\n",
		"a folded line":           "200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n",
		"a replay with two sizes": "409 Conflict\r\nfly-replay: region=ams\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
	} {
		t.Run(behaviour, func(t *testing.T) {
			w := newWorld(t, nil, says(t, "near", "ams", "HTTP/1.1 "+answer))
			if a := w.do("POST", "/", ""); a.status != 502 || a.header.Get("Homing-Error") != "PU02" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestARequestThatCannotBePassedOnIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello), serving(t, "home", "ord", hello))
	for behaviour, head := range map[string]string{
		"a host that is none":         "GET / HTTP/1.1\r\nHost: a!b\r\n",
		"a fragment in the target":    "GET /a#b HTTP/1.1\r\nHost: app.test\r\n",
		"for a machine that is named": "GET / HTTP/1.1\r\nHost: a!b\r\nFly-Force-Instance-Id: home\r\n",
	} {
		got := w.talk(head + "Connection: close\r\n\r\n")
		if hops := w.record().Hops; !strings.HasPrefix(got, "HTTP/1.1 400") || len(hops) > 1 {
			t.Errorf("%s: %d hops, %q", behaviour, len(hops), got)
		}
	}
}
