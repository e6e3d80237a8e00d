//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// Visits of clients that speak for themselves, with a connection of their own each time.

// raw opens a connection, bounded by the visit.
func (v *visitor) raw(ctx context.Context) (*net.TCPConn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", v.addr)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	return c.(*net.TCPConn), c.SetDeadline(deadline)
}

// status reads an answer's status from a raw connection.
func status(c net.Conn) string {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "connection ended"
	}
	defer resp.Body.Close()
	if code := resp.Header.Get("Homing-Error"); code != "" {
		return code
	}
	if resp.StatusCode != http.StatusOK {
		return "WRONG status " + resp.Status
	}
	return answer(resp, func(string) bool { return true })
}

// pause waits a moment, or until the visit ends.
func pause(ctx context.Context) {
	select {
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
	}
}

// sip reads an answer so slowly that the edge has to wait, then goes.
func sip(ctx context.Context, v *visitor) string {
	c, err := v.raw(ctx)
	if err != nil {
		return "connection ended"
	}
	defer c.Close()
	_ = c.SetReadBuffer(4 << 10)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: soak\r\n\r\n", long)
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 1<<10), nil)
	if err != nil {
		return "connection ended"
	}
	if code := resp.Header.Get("Homing-Error"); code != "" {
		return code
	}
	for range 10 {
		if _, err := io.CopyN(io.Discard, resp.Body, 1<<10); err != nil {
			return "connection ended"
		}
		pause(ctx)
	}
	return "ok"
}

// drip sends a head and a body in small pieces.
func drip(ctx context.Context, v *visitor) string {
	c, err := v.raw(ctx)
	if err != nil {
		return "connection ended"
	}
	defer c.Close()
	v.count++
	path := []string{"/", replayed}[v.count%2]
	text := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: soak\r\n%s: %s%d\r\nContent-Length: 1024\r\n\r\n%s", path, idHeader, v.name, v.count, page)
	for len(text) > 0 {
		n := min(len(text), 64)
		if _, err := io.WriteString(c, text[:n]); err != nil {
			break // the answer may have come early
		}
		text = text[n:]
		pause(ctx)
	}
	return status(c)
}

// desert goes in the middle of its body, quietly or with a reset.
func desert(ctx context.Context, v *visitor) string {
	c, err := v.raw(ctx)
	if err != nil {
		return "connection ended"
	}
	defer c.Close()
	v.count++
	path := []string{"/", replayed}[v.count%2]
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: soak\r\n%s: %s%d\r\nContent-Length: 1000000\r\n\r\n%s", path, idHeader, v.name, v.count, longer)
	pause(ctx)
	if v.count%3 == 0 {
		_ = c.SetLinger(0)
	}
	return "ok"
}

// chat talks through a tunnel and leaves it in one of three ways.
func chat(ctx context.Context, v *visitor) string {
	c, err := v.raw(ctx)
	if err != nil {
		return "connection ended"
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", upgraded)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return "connection ended"
	}
	if code := resp.Header.Get("Homing-Error"); code != "" {
		return code
	}
	heard := make([]byte, len(page))
	for range rand.IntN(20) {
		if _, err := io.WriteString(c, page); err != nil {
			return "connection ended"
		}
		if _, err := io.ReadFull(r, heard); err != nil {
			return "connection ended"
		}
		if string(heard) != page {
			return "WRONG: a tunnel changed what went through"
		}
	}
	switch v.count++; v.count % 3 {
	case 0:
		_ = c.SetLinger(0)
	case 1:
		_ = c.CloseWrite()
		if _, err := io.Copy(io.Discard, r); err != nil {
			return "connection ended"
		}
	}
	return "ok"
}

// babble sends what is no request.
func babble(ctx context.Context, v *visitor) string {
	c, err := v.raw(ctx)
	if err != nil {
		return "connection ended"
	}
	defer c.Close()
	pause(ctx)
	fmt.Fprintf(c, "%s\r\n\r\n", strings.Repeat("x", 1+rand.IntN(200)))
	if how := status(c); how != "BAD" {
		return "WRONG: no HTTP was answered with " + how
	}
	return "ok"
}
