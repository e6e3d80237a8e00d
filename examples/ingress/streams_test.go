package ingress_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// testEvents sees an event before the next is made. It is a read that goes home because
// it is of whoever has just written.
func testEvents(w *world) {
	gru, b := w.places["gru"], w.browser()
	defer w.hold("gru")()
	b.create(gru, "eventful")
	more := make(chan struct{})
	w.insteadOfThePrimary(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for i := range 2 {
			fmt.Fprintf(rw, "data: %d\n", i)
			rw.(http.Flusher).Flush()
			await(r, more)
		}
	})
	resp, err := b.http.Get("http://" + gru.web + "/watch")
	must(w.T, err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for i := range 2 {
		if line, err := lines.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
			w.Fatalf("event %d is %q, %v", i, line, err)
		}
		more <- struct{}{}
	}
}

// await waits until something comes, or the request has ended.
func await(r *http.Request, more <-chan struct{}) {
	select {
	case <-more:
	case <-r.Context().Done():
	}
}

// testUploadAsItComes sends the second half of a body when the first has arrived.
func testUploadAsItComes(w *world) {
	first := make(chan struct{})
	w.insteadOfThePrimary(func(rw http.ResponseWriter, r *http.Request) {
		half := make([]byte, 6)
		if _, err := io.ReadFull(r.Body, half); err != nil {
			return
		}
		close(first)
		rest, _ := io.ReadAll(r.Body)
		fmt.Fprintf(rw, "%s%s at %s", half, rest, r.RequestURI)
	})
	body, in := io.Pipe()
	go func() {
		defer in.Close()
		io.WriteString(in, "hello ") //nolint:errcheck // the answer tells
		select {
		case <-first:
			io.WriteString(in, "world") //nolint:errcheck // as above
		case <-time.After(20 * time.Second): // somebody keeps what there is
		}
	}()
	const target = "/upload//a%2Fb?c=%64&d"
	if got := w.browser().do(w.places["gru"], "POST", target, body); got.body != "hello world at "+target {
		w.Error(got)
	}
}

// The key and its answer of RFC 6455 §1.3: HAProxy looks at both.
const key, accept = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

// testSocket talks to the primary, as whoever has just written.
func testSocket(w *world) {
	gru, b := w.places["gru"], w.browser()
	defer w.hold("gru")()
	b.create(gru, "talking")
	w.insteadOfThePrimary(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			return
		}
		conn, both, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+ //nolint:errcheck // the client finds out
			"Sec-WebSocket-Accept: "+accept+"\r\n\r\n")
		line, _ := both.ReadString('\n')
		io.WriteString(conn, strings.ToUpper(line)) //nolint:errcheck // as above
	})
	if said := b.talk(gru, "hello\n"); said != "HELLO\n" {
		w.Errorf("over a socket came %q", said)
	}
}

// talk asks for an upgrade, says a line and returns the answer.
func (b *browser) talk(at *place, line string) string {
	req, err := http.NewRequestWithContext(b.w.Context(), "GET", "http://"+at.web+"/socket", nil)
	must(b.w.T, err)
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {key}}
	for _, c := range b.http.Jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	resp, err := b.http.Transport.RoundTrip(req) // a client with a timeout gives no socket
	must(b.w.T, err)
	defer resp.Body.Close()
	conn, switched := resp.Body.(io.ReadWriter)
	if !switched || resp.StatusCode != http.StatusSwitchingProtocols {
		return resp.Status
	}
	io.WriteString(conn, line) //nolint:errcheck // the answer tells
	said, _ := bufio.NewReader(conn).ReadString('\n')
	return said
}
