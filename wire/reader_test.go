package wire_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"homing/wire"
)

func read(in string) *wire.Reader {
	return wire.NewReader(strings.NewReader(in), wire.Limits{})
}

func TestARequestTellsWhatItsFieldsSay(t *testing.T) {
	const in = "POST /a?b HTTP/1.1\r\nhOST: a\r\nConnection: keep-alive , UPGRADE\r\nUpgrade: websocket\r\nuPGRADE: x/2\r\n" +
		"Expect: 100-continue\r\nContent-Length: 5\r\nX: \t1 2\t\r\n\r\nhello"
	req, err := read(in).ReadRequest()
	if err != nil {
		t.Fatal(err)
	}
	want := &wire.Request{
		Method: "POST", Target: "/a?b", Host: "a", Minor: 1, Length: 5, Expect: true, Upgrade: "websocket, x/2",
		Header: wire.Header{
			{"hOST", "a"}, {"Connection", "keep-alive , UPGRADE"}, {"Upgrade", "websocket"}, {"uPGRADE", "x/2"},
			{"Expect", "100-continue"}, {"Content-Length", "5"}, {"X", "1 2"},
		},
	}
	if !reflect.DeepEqual(req, want) {
		t.Errorf("%+v, want %+v", req, want)
	}
}

func TestAnUpgradeThatIsNotAskedFor(t *testing.T) {
	for name, in := range map[string]string{
		"Connection does not name it": "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.0":                    "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		"h2c":                         "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket, H2C\r\n\r\n",
	} {
		if req, err := read(in).ReadRequest(); err != nil || req.Upgrade != "" {
			t.Errorf("%s: upgrade %q, %v", name, req.Upgrade, err)
		}
	}
}

func TestTheTrailerIsThereAfterTheBody(t *testing.T) {
	r := read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\nx: 2\r\n\r\n")
	if _, err := r.ReadRequest(); err != nil {
		t.Fatal(err)
	}
	if r.Body().Trailer() != nil || r.Body().Done() {
		t.Error("the trailer is there before the body was read")
	}
	io.Copy(io.Discard, r.Body())
	if got := r.Body().Trailer(); !reflect.DeepEqual(got, wire.Header{{"X", "1"}, {"x", "2"}}) || !r.Body().Done() {
		t.Errorf("trailer %q", got)
	}
}

func TestTheNextMessageWaitsForTheBody(t *testing.T) {
	r := read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok" + nextRequest)
	r.ReadRequest()
	if _, err := r.ReadRequest(); err != wire.ErrUnread {
		t.Fatalf("the next request: %v, want %v", err, wire.ErrUnread)
	}
	io.Copy(io.Discard, r.Body())
	if req, err := r.ReadRequest(); err != nil || req.Target != "/next" {
		t.Errorf("the next request: %+v, %v", req, err)
	}
}

func TestThePrefaceOfHTTP2IsLeftForTheFront(t *testing.T) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for way, through := range ways {
		src := strings.NewReader(preface + "frames")
		r := wire.NewReader(through(src), wire.Limits{})
		if _, err := r.ReadRequest(); err != wire.ErrHTTP2Preface {
			t.Fatalf("%s: %v", way, err)
		}
		rest, _ := io.ReadAll(src)
		if got := string(r.Rest()) + string(rest); got != preface+"frames" {
			t.Errorf("%s: %q is left", way, got)
		}
	}
	r := read(nextRequest + preface)
	r.ReadRequest()
	if e := new(wire.Error); !errors.As(second(r.ReadRequest()), &e) || e.Status != 505 {
		t.Errorf("behind another request it is %v", e)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhatWasReadAheadBelongsToTheTunnel(t *testing.T) {
	r := read("HTTP/1.1 101 Up\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nframes")
	resp, err := r.ReadResponse("GET")
	if err != nil || resp.Upgrade != "websocket" || !resp.Close {
		t.Fatalf("%+v, %v", resp, err)
	}
	if r.Buffered() != len("frames") || string(r.Rest()) != "frames" || r.Buffered() != 0 {
		t.Error("the tunnel's first bytes are lost")
	}
}

func TestWhichAnswersTellOfAnUpgrade(t *testing.T) {
	for status, want := range map[string]string{"101": "x", "426": "x", "200": ""} {
		resp, err := read("HTTP/1.1 " + status + " \r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").ReadResponse("GET")
		if err != nil || resp.Upgrade != want {
			t.Errorf("%s: %+v, %v", status, resp, err)
		}
	}
}

func TestEarlyAnswersTogetherAreBoundedLikeOneHead(t *testing.T) {
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	r := wire.NewReader(strings.NewReader(strings.Repeat(early, 100)), wire.Limits{Head: 10 * len(early)})
	for i := range 10 {
		if _, err := r.ReadResponse("GET"); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
	if e := new(wire.Error); !errors.As(second(r.ReadResponse("GET")), &e) || e.Status != 502 {
		t.Errorf("one too many: %v", e)
	}
}

// stutter fails with a deadline's error after each byte.
type stutter struct {
	src  io.Reader
	fail bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.fail = !s.fail; s.fail {
		return 0, os.ErrDeadlineExceeded
	}
	return s.src.Read(p[:1])
}

func TestNothingIsLostWhenADeadlinePasses(t *testing.T) {
	const in = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n3\r\n, a\r\n0\r\nX: y\r\n\r\n" + nextRequest
	r := wire.NewReader(&stutter{src: strings.NewReader(in)}, wire.Limits{})
	request := func() (req *wire.Request) {
		for i := 0; ; i++ {
			req, err := r.ReadRequest()
			if err == nil {
				return req
			}
			want := 408 // what there is of it
			if i == 0 {
				want = 0 // nothing came: an idle connection
			}
			if e := new(wire.Error); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &e) || e.Status != want {
				t.Fatalf("try %d: %v, %+v", i, err, e)
			}
		}
	}
	request()
	var body bytes.Buffer
	for !r.Body().Done() {
		if _, err := io.Copy(&body, r.Body()); err != nil && err != os.ErrDeadlineExceeded {
			t.Fatal(err)
		}
	}
	if body.String() != "hello, a" || r.Body().Trailer().Get("X") != "y" {
		t.Errorf("body %q, trailer %q", &body, r.Body().Trailer())
	}
	if req := request(); req.Target != "/next" {
		t.Errorf("then %+v", req)
	}
}

func TestAwaitTakesNothing(t *testing.T) {
	r := read(nextRequest)
	for range 2 {
		if err := r.Await(); err != nil {
			t.Fatal(err)
		}
	}
	if req, err := r.ReadRequest(); err != nil || req.Target != "/next" {
		t.Errorf("%+v, %v", req, err)
	}
	if err := r.Await(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestAnErrorDoesNotQuoteValues(t *testing.T) {
	for _, in := range []string{
		"GET /secret\x01 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: secret@\r\n\r\n", "GET / HTTP/1.1\r\nCookie: secret\x01\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: secret\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nsecret\r\n\r\n", "secret\r\n\r\n",
		"GET http://secret/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: secret\r\n\r\n",
	} {
		if _, err := read(in).ReadRequest(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// A body is handed on as it comes: a reader that waited for more would hold up
// events.
func TestABodyIsReadAsItComes(t *testing.T) {
	pr, pw := io.Pipe()
	r := wire.NewReader(pr, wire.Limits{})
	go io.WriteString(pw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n6\r\n, too!\r\n3\r\nhal")
	if _, err := r.ReadResponse("GET"); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	if n, err := r.Body().Read(p); string(p[:n]) != "event, too!hal" || err != nil {
		t.Errorf("read %q, %v", p[:n], err)
	}
}
