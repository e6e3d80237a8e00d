package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMountedInAServerOfOthersTheRulesHold(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	srv := httptest.NewServer(w.edge)
	t.Cleanup(srv.Close)
	w.addr = srv.Listener.Addr().String()
	for name, tc := range map[string]struct{ said, status string }{
		"a good one":           {"GET //a|b?%zz HTTP/1.1\r\nHost: a:80\r\n", "200"},
		"an absolute target":   {"GET http://b/x HTTP/1.1\r\nHost: b\r\n", "200"},
		"an old one":           {"GET / HTTP/1.0\r\n", "200"},
		"a host that is two":   {"GET / HTTP/1.1\r\nHost: a,b\r\n", "400"},
		"a host that is empty": {"GET / HTTP/1.1\r\nHost:\r\n", "400"},
		"a fragment":           {"GET /a#b HTTP/1.1\r\nHost: a\r\n", "400"},
		"a length in disguise": {"GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n", "400"},
		"too many fields":      {"GET / HTTP/1.1\r\nHost: a\r\n" + manyFields(250), "431"},
	} {
		c := w.dial()
		io.WriteString(c, tc.said+"Connection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || fmt.Sprint(resp.StatusCode) != tc.status {
			t.Errorf("%s: got %v, %v, want %s", name, resp, err, tc.status)
			continue
		}
		if code := resp.Header.Get("Homing-Error"); (code == "BAD") != (tc.status != "200") {
			t.Errorf("%s: the code is %q", name, code)
		}
		if r := w.record(); fmt.Sprint(r.Status) != tc.status {
			t.Errorf("%s: the record says %+v", name, r)
		}
	}
}

// TestMountedAQuestionIsNotMixedWithHints: a machine asks for the body and goes on to
// hint, while the client is asked in turn. It takes -race to see.
func TestMountedAQuestionIsNotMixedWithHints(t *testing.T) {
	w := newWorld(t, nil, raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"+strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", 20))
		io.CopyN(io.Discard, br, 5)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
	}))
	srv := httptest.NewServer(w.edge)
	t.Cleanup(srv.Close)
	w.addr = srv.Listener.Addr().String()
	for range 20 {
		got := w.talk("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
		if strings.Count(got, "HTTP/1.1 100 Continue\r\n\r\n") != 1 || strings.Count(got, "HTTP/1.1 103 ") != 20 || !strings.HasSuffix(got, "\r\n\r\nok") {
			t.Fatalf("got %q", got)
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%d: y\r\n", i)
	}
	return b.String()
}
