//go:build linux

package main

import (
	"bytes"
	"strconv"
	"strings"
	"syscall"
)

// streamed is how long the answer to /stream is.
const streamed = 100 << 20

const plainHeaders = "Content-Type: text/plain\r\nCache-Control: no-store\r\nHoming-Decision: serve;reason=read;role=replica\r\nContent-Length: "

var (
	plain   = []byte("HTTP/1.1 200 OK\r\n" + plainHeaders + "1024\r\n\r\n" + strings.Repeat("0123456789abcde\n", 64))
	stream  = []byte("HTTP/1.1 200 OK\r\n" + plainHeaders + strconv.Itoa(streamed) + "\r\n\r\n")
	unknown = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	goOn    = []byte("HTTP/1.1 100 Continue\r\n\r\n")
	// HAProxy checks the answer to the key; the only one that is sent is RFC 6455's example.
	tunnel = []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	// Each proxy takes of it what it knows: Homing the first line, nginx the second.
	replay = []byte("HTTP/1.1 409 Conflict\r\nFly-Replay: region=ord;state=method\r\nX-Accel-Redirect: /home\r\nContent-Length: 0\r\n\r\n")
	block  = bytes.Repeat([]byte("0123456789abcde\n"), 16<<10)
	zeros  [64 << 10]byte // what bodies are read into; nobody looks
)

// conn is one connection of a proxy.
type conn struct {
	fd     int
	home   bool
	in     []byte // read and not yet answered
	body   int    // bytes of a request's body that have not come
	answer []byte // for when the body has come
	out    []byte // not yet written
	blocks int    // bytes of a stream that follow out
	echo   bool
}

func (c *conn) waitsToWrite() bool { return len(c.out) > 0 || c.blocks > 0 }

// advance does what can be done without waiting. It reports false when the
// connection has ended.
func (c *conn) advance() bool {
	if c.waitsToWrite() {
		return c.write()
	}
	room := c.in[len(c.in):cap(c.in)]
	if c.body > len(room) {
		room = zeros[:min(c.body, len(zeros))]
	}
	n, err := syscall.Read(c.fd, room)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return true
	}
	if err != nil || n == 0 {
		return false
	}
	switch {
	case c.echo:
		c.out = append([]byte(nil), room[:n]...) // in is read into again
		return c.write()
	case c.body > 0:
		c.body -= n // a proxy that pipelines would be misread; none does
		if c.body > 0 {
			return true
		}
		c.out = c.answer
		return c.write()
	}
	c.in = c.in[:len(c.in)+n]
	return c.request()
}

// request answers the request in c.in, if it is whole.
func (c *conn) request() bool {
	end := bytes.Index(c.in, []byte("\r\n\r\n"))
	if end < 0 {
		return len(c.in) < cap(c.in)
	}
	head, rest := c.in[:end+4], len(c.in)-end-4
	c.answer = c.choose(head)
	announced := false
	if head[0] == 'P' {
		c.body = length(head) - rest
		announced = c.body > 0 && bytes.Contains(head, []byte("100-continue"))
	}
	c.in = c.in[:0]
	switch {
	case announced:
		c.out = goOn
	case c.body > 0:
		return true
	default:
		c.out = c.answer
	}
	return c.write()
}

// choose returns the answer to a head.
func (c *conn) choose(head []byte) []byte {
	_, rest, _ := bytes.Cut(head, []byte(" "))
	path, _, _ := bytes.Cut(rest, []byte(" "))
	switch {
	case bytes.HasPrefix(path, []byte("/replay")) && !c.home:
		return replay
	case bytes.HasPrefix(path, []byte("/stream")):
		c.blocks = streamed
		return stream
	case bytes.HasPrefix(path, []byte("/tunnel")):
		c.echo = true
		return tunnel
	case bytes.HasPrefix(path, []byte("/.well-known/")):
		return unknown
	}
	return plain
}

// length returns a head's Content-Length, or 0.
func length(head []byte) int {
	at := bytes.Index(bytes.ToLower(head), []byte("\r\ncontent-length:"))
	if at < 0 {
		return 0
	}
	value, _, _ := bytes.Cut(head[at+len("\r\ncontent-length:"):], []byte("\r"))
	n, _ := strconv.Atoi(strings.TrimSpace(string(value)))
	return n
}

// write writes what it can. It reports false when the connection has ended.
func (c *conn) write() bool {
	for c.waitsToWrite() {
		if len(c.out) == 0 {
			c.out = block[:min(len(block), c.blocks)]
			c.blocks -= len(c.out)
		}
		n, err := syscall.Write(c.fd, c.out)
		if err == syscall.EAGAIN || err == syscall.EINTR {
			return true
		}
		if err != nil {
			return false
		}
		c.out = c.out[n:]
	}
	return true
}
