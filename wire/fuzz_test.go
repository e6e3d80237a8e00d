package wire_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"homing/wire"
)

// seed gives a fuzzer the corpus, but for what is only long.
func seed(f *testing.F, add func(in []byte, method string), files ...string) {
	for _, file := range files {
		for _, k := range corpus(f, file) {
			if len(k.in) < 4<<10 {
				add(k.in, k.method)
			}
		}
	}
}

// FuzzRequestAgainstNetHTTP: whatever we accept, net/http accepts and reads the
// same way, the body and the requests behind it included.
func FuzzRequestAgainstNetHTTP(f *testing.F) {
	seed(f, func(in []byte, _ string) { f.Add(in); f.Add(append(in, nextRequest...)) }, "requests.txt", "smuggling.txt")
	f.Fuzz(func(t *testing.T, in []byte) {
		ours := wire.NewReader(bytes.NewReader(in), wire.Limits{})
		theirs := bufio.NewReaderSize(bytes.NewReader(in), 128<<10)
		for {
			req, err := ours.ReadRequest()
			if err != nil {
				checkError(t, err)
				return
			}
			other, err := http.ReadRequest(theirs)
			if err != nil {
				t.Fatalf("net/http refuses it: %v", err)
			}
			compareRequest(t, req, other)
			if compareBody(t, ours.Body(), other.Body, func() http.Header { return other.Trailer }) != nil {
				return
			}
		}
	})
}

// checkError: what refuses a message can be shown and logged.
func checkError(t *testing.T, err error) {
	var e *wire.Error
	if err == io.EOF || err == wire.ErrHTTP2Preface {
		return
	}
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 599 {
		t.Fatalf("no error with a status: %v", err)
	}
	for _, c := range []byte(e.Reason) {
		if c < ' ' || c > '~' {
			t.Fatalf("the reason cannot be shown: %q", e.Reason)
		}
	}
}

func compareRequest(t *testing.T, req *wire.Request, other *http.Request) {
	same(t, "method", req.Method, other.Method)
	same(t, "host", req.Host, other.Host)
	same(t, "length", req.Length, other.ContentLength)
	same(t, "version", req.Minor, other.ProtoMinor)
	if other.Close && !req.Close {
		t.Errorf("net/http closes the connection")
	}
	if req.Target != other.RequestURI {
		compareTarget(t, req.Target, other)
	}
	other.Header.Del("Transfer-Encoding")
	compareHeader(t, req.Header, other.Header, "Host", "Transfer-Encoding", "Trailer")
}

// compareTarget: what we made of an absolute target names the same.
func compareTarget(t *testing.T, target string, other *http.Request) {
	if target == "*" && other.URL.Path == "" {
		return
	}
	path, query, _ := strings.Cut(target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		t.Errorf("the path %q is not well encoded", path)
	}
	want := other.URL.Path
	if want == "" {
		want = "/"
	}
	same(t, "path", plain, want)
	same(t, "query", query, other.URL.RawQuery)
}

// compareHeader leaves out the fields that net/http takes out.
func compareHeader(t *testing.T, h wire.Header, other http.Header, taken ...string) {
	if _, ok := other["Pragma"]; ok && !h.Has("Cache-Control") {
		other.Del("Cache-Control") // which net/http has added
	}
	n := 0
	for _, f := range h {
		if slices.ContainsFunc(taken, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
			continue
		}
		n++
		if theirs := other.Values(f.Name); !slices.Equal(theirs, slices.Collect(h.Values(f.Name))) {
			t.Errorf("field %q: net/http has %q", f, theirs)
		}
	}
	theirs := 0
	for name, values := range other {
		if !slices.Contains(taken, name) {
			theirs += len(values)
		}
	}
	same(t, "number of fields", n, theirs)
}

// compareBody reads both to the end.
func compareBody(t *testing.T, body *wire.Body, other io.ReadCloser, trailer func() http.Header) error {
	got, err := io.ReadAll(body)
	if err != nil {
		if body.Done() {
			t.Errorf("a body that ended with %v is done", err)
		}
		if err != io.ErrUnexpectedEOF {
			checkError(t, err)
		}
		return err
	}
	want, theirErr := io.ReadAll(other)
	if theirErr != nil {
		t.Fatalf("net/http refuses the body: %v", theirErr)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("body %q, net/http reads %q", got, want)
	}
	if !body.Done() {
		t.Error("a body that was read to its end is not done")
	}
	announced := trailer().Clone()
	for name, values := range announced {
		if values == nil {
			delete(announced, name) // announced, and never came
		}
	}
	compareHeader(t, body.Trailer(), announced)
	return nil
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, net/http reads %v", what, got, want)
	}
}

// FuzzResponseAgainstNetHTTP does for answers what
// FuzzRequestAgainstNetHTTP does for requests.
func FuzzResponseAgainstNetHTTP(f *testing.F) {
	seed(f, func(in []byte, method string) {
		f.Add(in, method == "HEAD")
		f.Add(append(in, nextAnswer...), method == "HEAD")
	}, "answers.txt")
	f.Fuzz(func(t *testing.T, in []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		ours := wire.NewReader(bytes.NewReader(in), wire.Limits{})
		theirs := bufio.NewReaderSize(bytes.NewReader(in), 128<<10)
		for {
			resp, err := ours.ReadResponse(method)
			if err != nil {
				checkError(t, err)
				return
			}
			other, err := http.ReadResponse(theirs, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("net/http refuses it: %v", err)
			}
			compareResponse(t, resp, other, method)
			if compareBody(t, ours.Body(), other.Body, func() http.Header { return other.Trailer }) != nil {
				return
			}
		}
	})
}

func compareResponse(t *testing.T, resp *wire.Response, other *http.Response, method string) {
	same(t, "status", resp.Status, other.StatusCode)
	same(t, "version", resp.Minor, other.ProtoMinor)
	_, reason, _ := strings.Cut(other.Status, " ")
	same(t, "reason", resp.Reason, reason)
	if other.Close && !resp.Close && resp.Status >= 200 {
		t.Errorf("net/http closes the connection")
	}
	if resp.Status >= 200 && resp.Status != 204 && resp.Status != 304 {
		same(t, "length", max(resp.Length, -1), other.ContentLength)
	}
	compareHeader(t, resp.Header, other.Header, "Transfer-Encoding", "Trailer", "Connection", "Content-Length")
}

// FuzzPieces: in which pieces bytes come makes no difference.
func FuzzPieces(f *testing.F) {
	seed(f, func(in []byte, method string) { f.Add(in, uint8(3)) }, "requests.txt", "smuggling.txt", "answers.txt")
	f.Fuzz(func(t *testing.T, in []byte, most uint8) {
		if len(in) == 0 {
			return
		}
		k := kase{in: in, method: "GET"}
		tell := func(r io.Reader) string {
			a, b, c := outcome(k, wire.NewReader(r, wire.Limits{Head: 300, Fields: 5}))
			return fmt.Sprintf("%s; %s; %q", a, b, c)
		}
		whole := tell(bytes.NewReader(in))
		if got := tell(&pieces{bytes.NewReader(in), 1 + int(most)}); got != whole {
			t.Errorf("in pieces of %d: %s; as a whole: %s", 1+int(most), got, whole)
		}
	})
}
