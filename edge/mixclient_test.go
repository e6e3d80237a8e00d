package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// mixClient sends requests of the mix on one connection for as long as that is kept.
type mixClient struct {
	w    *world
	conn net.Conn
	br   *bufio.Reader
	sent []ask // that were answered whole
	ids  []string
}

// do sends one request and checks its answer.
func (c *mixClient) do(m ask) error {
	if c.conn == nil {
		c.conn = c.w.dial()
		c.conn.SetDeadline(time.Now().Add(time.Minute)) // it serves many requests
		c.br = bufio.NewReader(c.conn)
	}
	switch m.kind {
	case "abort", "half":
		return c.breakOff(m)
	case "pipeline":
		second := ask{"get", m.name + "b", m.size}
		io.WriteString(c.conn, m.head("GET", "")+second.head("GET", ""))
		if err := c.hear(m, "GET"); err != nil {
			return err
		}
		return c.hear(second, "GET")
	case "upgrade":
		return c.upgrade(m)
	}
	method := c.say(m)
	return c.hear(m, method)
}

// head is a request's head, with more fields.
func (m ask) head(method, more string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: app.test\r\nName: %s\r\nX-%s: %s\r\n%s\r\n", method, m.path(), m.name, m.kind, m.name, more)
}

// say writes a request, and returns its method.
func (c *mixClient) say(m ask) string {
	length := fmt.Sprintf("Content-Length: %d\r\n", m.size)
	switch m.kind {
	case "head":
		io.WriteString(c.conn, m.head("HEAD", ""))
		return "HEAD"
	case "small", "large", "replayed":
		io.WriteString(c.conn, m.head("POST", length)+m.text())
	case "length-late":
		io.WriteString(c.conn, m.head("POST", length))
		io.WriteString(c.conn, m.text())
	case "chunks", "chunks-late":
		io.WriteString(c.conn, m.head("POST", "Transfer-Encoding: chunked\r\n"))
		half := m.size / 2
		fmt.Fprintf(c.conn, "%x\r\n%s\r\n", half, m.text()[:half])
		fmt.Fprintf(c.conn, "%x\r\n%s\r\n0\r\n\r\n", m.size-half, m.text()[half:])
	case "expect":
		io.WriteString(c.conn, m.head("POST", length+"Expect: 100-continue\r\n"))
		if line, _ := c.br.ReadString('\n'); strings.HasPrefix(line, "HTTP/1.1 100 ") {
			c.br.ReadString('\n')
		}
		io.WriteString(c.conn, m.text())
	default:
		io.WriteString(c.conn, m.head("GET", ""))
		return "GET"
	}
	return "POST"
}

// hear reads an answer, which must be this request's.
func (c *mixClient) hear(m ask, method string) error {
	hints := ""
	for {
		resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
		if err != nil {
			return fmt.Errorf("%s: %w", m.path(), err)
		}
		if resp.StatusCode < 200 {
			hints += resp.Header.Get("Link")
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return fmt.Errorf("%s: the answer's body: %w", m.path(), err)
		}
		if err := m.check(resp, string(body), hints); err != nil {
			return err
		}
		c.sent, c.ids = append(c.sent, m), append(c.ids, resp.Header.Get("Fly-Request-Id"))
		if resp.Close {
			c.end()
		}
		return nil
	}
}

func (m ask) check(resp *http.Response, body, hints string) error {
	status, want, trailer, hint := http.StatusOK, m.answer(), "", ""
	switch m.kind {
	case "refused":
		status, want = http.StatusNotModified, ""
	case "head":
		want = ""
	case "trailer":
		trailer = m.name
	case "early":
		hint = m.name
	}
	switch {
	case resp.StatusCode != status:
		return fmt.Errorf("%s: answered with %d: %.300s", m.path(), resp.StatusCode, body)
	case resp.Header.Get("Name") != m.name || len(resp.Header.Values("Fly-Request-Id")) != 1:
		return fmt.Errorf("%s: answered with the header %v", m.path(), resp.Header)
	case body != want:
		return fmt.Errorf("%s: answered with %d bytes, want %d: %.80q", m.path(), len(body), len(want), body)
	case resp.Trailer.Get("Last") != trailer || hints != hint:
		return fmt.Errorf("%s: hints %q, trailer %v", m.path(), hints, resp.Trailer)
	}
	return nil
}

// breakOff goes away in the middle of a request, or of its answer.
func (c *mixClient) breakOff(m ask) error {
	if m.kind == "half" {
		io.WriteString(c.conn, m.head("POST", fmt.Sprintf("Content-Length: %d\r\n", m.size))+m.text()[:m.size/2])
	} else {
		io.WriteString(c.conn, m.head("GET", ""))
		c.br.Peek(m.size % 100)
	}
	c.end()
	return nil
}

// upgrade has the connection become a tunnel, and says the name through it.
func (c *mixClient) upgrade(m ask) error {
	io.WriteString(c.conn, m.head("GET", "Connection: Upgrade\r\nUpgrade: echo/1\r\n"))
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Name") != m.name {
		return fmt.Errorf("%s: %v, %v", m.path(), err, resp)
	}
	io.WriteString(c.conn, m.name)
	got := make([]byte, len(m.name))
	if _, err := io.ReadFull(c.br, got); err != nil || string(got) != m.name {
		return fmt.Errorf("%s: the tunnel said %q, %v", m.path(), got, err)
	}
	c.end()
	return nil
}

func (c *mixClient) end() {
	c.conn.Close()
	c.conn = nil
}
