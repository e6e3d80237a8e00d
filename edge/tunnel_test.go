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

// shake asks for a protocol at the edge, by hand, and returns the connection
// with the answer's head read.
func shake(t *testing.T, addr, extra string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	// The first message comes right behind the head, as an eager client sends it.
	fmt.Fprintf(c, "GET /socket HTTP/1.1\r\nHost: app.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n%s\r\nhello ", extra)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	return c, br, resp
}

// socket is a machine that switches protocols and says everything twice: first what
// it was asked, then what it hears, until the other side has said all.
func socket(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		http.Error(w, "nobody asked for an upgrade", http.StatusUpgradeRequired)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nHoming-Role: primary\r\n\r\n%s %s|",
		r.Header.Get("Upgrade"), r.Header.Get("Connection"))
	_, _ = io.Copy(conn, rw) // ends when the client has said all
}

func TestAnUpgradeIsTunnelled(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", socket))
	c, br, resp := shake(t, w.addr, "")
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != "echo/1" || !strings.EqualFold(resp.Header.Get("Connection"), "upgrade") {
		t.Errorf("the head is %d %v", resp.StatusCode, resp.Header)
	}
	if resp.Header.Get("Homing-Role") != "" || resp.Header.Get("Fly-Request-Id") == "" {
		t.Errorf("the head is %v; want a request ID, and nothing that is for edges only", resp.Header)
	}
	io.WriteString(c, "world")
	c.(*net.TCPConn).CloseWrite() // the answer still comes
	if got, err := io.ReadAll(br); string(got) != "echo/1 upgrade|hello world" || err != nil {
		t.Errorf("the tunnel carried %q, %v", got, err)
	}
	c.Close()
	if r := w.record(); r.Status != http.StatusSwitchingProtocols || r.Code != "" {
		t.Errorf("the record says %d %s", r.Status, r.Code)
	}
}

func TestAnUpgradeIsReplayedLikeAnyOther(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"with a plain answer": replays("region=gru"),
		"with a 101, as older apps do": func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nfly-replay: region=gru\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, serving(t, "near", "ams", first), serving(t, "far", "gru", socket))
			c, br, resp := shake(t, w.addr, "")
			c.(*net.TCPConn).CloseWrite()
			got, err := io.ReadAll(br)
			if resp.StatusCode != http.StatusSwitchingProtocols || string(got) != "echo/1 upgrade|hello " || err != nil {
				t.Errorf("%d, %q, %v", resp.StatusCode, got, err)
			}
			c.Close()
			wantWay(t, w.record(), "near", "far")
		})
	}
}

func TestWhatMustNotBeAnUpgradeIsNone(t *testing.T) {
	plain := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Upgrade")+r.Header.Get("Connection")+r.Header.Get("Http2-Settings"))
	}
	w := newWorld(t, nil, serving(t, "near", "ams", plain))
	for name, head := range map[string]string{
		"HTTP/2 in disguise":         "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
		"HTTP/2 among others":        "Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n",
		"TLS in the middle":          "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
		"no name":                    "Connection: Upgrade\r\nUpgrade: ,\r\n",
		"a wish that is not for us":  "Upgrade: websocket\r\n",
		"a wish for nothing":         "Connection: Upgrade\r\n",
		"one in an old request":      "Connection: Upgrade\r\nUpgrade: websocket\r\nX: HTTP/1.0\r\n",
		"one that comes with a body": "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n",
	} {
		version, body := "1.1", ""
		if strings.Contains(head, "HTTP/1.0") {
			version = "1.0"
		}
		if strings.Contains(head, "Content-Length") {
			body = "x"
		}
		got := w.talk("GET / HTTP/" + version + "\r\nHost: app.example\r\n" + head + "Connection: close\r\n\r\n" + body)
		if !strings.Contains(got, " 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
			t.Errorf("%s: answered %q; want 200 from a machine that was told nothing of it", name, got)
		}
	}
}

func TestAMachineThatSwitchesUnasked(t *testing.T) {
	w := newWorld(t, nil, says(t, "near", "ams", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"))
	wantProblem(t, w.do("GET", "/", ""), http.StatusBadGateway, "PU02", "without being asked")
}

func TestClosingTheEdgeEndsTunnels(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", socket))
	_, br, _ := shake(t, w.addr, "")
	br.ReadString('|')
	w.edge.Close()
	if _, err := io.ReadAll(br); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the tunnel ended with %v", err)
	}
	if r := w.record(); r.Status != http.StatusSwitchingProtocols {
		t.Errorf("the record says %d", r.Status)
	}
}
