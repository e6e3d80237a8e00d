package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A machine may answer before it has read a body: who is sending it then looks at it for
// longer than the request lasts, which the next request must not notice.
func TestABodyIsNotMixedWithTheNext(t *testing.T) {
	hasty := raw(t, "near", "ams", func(nth int, c *net.TCPConn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if r.URL.Path == "/hasty" {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhasty")
				br.Peek(1 << 20) // until the edge closes it
				return
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	w := newWorld(t, nil, hasty)
	for i := range 20 {
		// Half of a body, of which the rest never comes.
		if got := w.talk("POST /hasty HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("h", 10_000)); !strings.HasSuffix(got, "hasty") {
			t.Fatalf("got %q", got)
		}
		for _, size := range []int{10, 8000, 9000} {
			body := strings.Repeat(string(rune('a'+i)), size)
			if a := w.do("POST", "/", body); a.status != 200 || a.body != body {
				t.Fatalf("of a body of %d came back: %d, %d bytes", size, a.status, len(a.body))
			}
		}
	}
}

func TestASmallBodyIsReplayedAfterOthers(t *testing.T) {
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Fly-Replay", "region=ord")
		w.WriteHeader(http.StatusConflict)
	})
	w := newWorld(t, nil, near, serving(t, "home", "ord", echo))
	for _, body := range []string{"first", strings.Repeat("second", 1000), "3", strings.Repeat("x", 20_000), "and the last"} {
		if a := w.do("POST", "/", body); a.status != 200 || a.body != body {
			t.Errorf("of %.10q came back: %d %.20q", body, a.status, a.body)
		}
	}
}
