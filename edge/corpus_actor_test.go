package edge_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"homing/fleet"
	"homing/machine"
)

// actor is a machine of a case: it reads each request to its end, and says its
// lines one after the other, the last of them for ever. Without lines it answers
// with its ID.
type actor struct {
	id    machine.ID
	lines []said

	mu       sync.Mutex
	at       int
	received *delivery // the last
}

// delivery is a request as it reached a machine.
type delivery struct {
	first  string
	header http.Header // with Host and Transfer-Encoding
	body   string
}

// is reports whether that is all a machine does.
func (a *actor) is(word string) bool { return len(a.lines) > 0 && a.lines[0].first == word }

func (a *actor) start(t *testing.T, p place) fleet.Machine {
	m := fleet.Machine{}
	if a.is("refuses") {
		m = refusing(t, p.id, p.region)
	} else {
		m = raw(t, p.id, p.region, func(_ int, c *net.TCPConn, br *bufio.Reader) { a.serve(c, br) })
	}
	m.App = p.app
	return m
}

func (a *actor) serve(c *net.TCPConn, br *bufio.Reader) {
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Header.Set("Host", r.Host)
		if len(r.TransferEncoding) > 0 {
			r.Header.Set("Transfer-Encoding", strings.Join(r.TransferEncoding, ", "))
		}
		d := &delivery{r.Method + " " + r.RequestURI, r.Header, string(body)}
		if !a.say(a.next(d), d, c, br) {
			return
		}
	}
}

// next notes a request and returns what is to be said to it.
func (a *actor) next(d *delivery) said {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received = d
	if len(a.lines) == 0 {
		return said{first: "200", body: string(a.id)}
	}
	line := a.lines[min(a.at, len(a.lines)-1)]
	a.at++
	return line
}

// say reports whether another request may follow on the connection.
func (a *actor) say(m said, d *delivery, c *net.TCPConn, br *bufio.Reader) bool {
	switch {
	case m.raw != "":
		io.WriteString(c, m.raw)
		return false
	case m.first == "closes":
		return false
	case m.first == "resets":
		reset(c)
		return false
	case m.first == "switches":
		m.fields = append(m.fields, "Connection: Upgrade", "Upgrade: "+d.header.Get("Upgrade"))
		m.write(c, "HTTP/1.1 101 Switching Protocols", false, m.body)
		io.Copy(c, br) // ends when the client has said all
		return false
	case m.first == "echoes":
		m.first, m.body = "200", d.body
	}
	body, framed := m.body, m.first != "204" && m.first != "304"
	start := "HTTP/1.1 " + m.first + " " + "X"
	if strings.HasPrefix(d.first, "HEAD ") {
		if framed && !m.has("Content-Length") {
			m.fields = append(m.fields, "Content-Length: 5")
		}
		body, framed = "", false
	}
	m.write(c, start, framed, body)
	return true
}

func (a *actor) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received = nil
}

func (a *actor) last() *delivery {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.received
}
