//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain is the program itself for a test that has started it.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_ORIGIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func running(t *testing.T) (near, home string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "BE_THE_ORIGIN=yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended it
	if _, err := fmt.Fscan(out, &near, &home); err != nil {
		t.Fatal(err)
	}
	return near, home
}

// exchange sends a request in these pieces and returns the answer, and how long it is.
func exchange(t *testing.T, c net.Conn, pieces ...string) (*http.Response, int64) {
	t.Helper()
	for _, p := range pieces {
		if _, err := io.WriteString(c, p); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, 0
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, n
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnswers(t *testing.T) {
	near, home := running(t)
	body := strings.Repeat("x", 100_000)
	large := "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 100000\r\n\r\n"
	for name, tt := range map[string]struct {
		addr   string
		pieces []string
		status int
		length int64
	}{
		"a page":                     {near, []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, 1024},
		"a head in two pieces":       {near, []string{"GET / HTTP/1.1\r\nHo", "st: a\r\n\r\n"}, 200, 1024},
		"a body with its head":       {near, []string{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"}, 200, 1024},
		"a body after its head":      {near, []string{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "a", "bc"}, 200, 1024},
		"a large body":               {near, []string{large, body}, 200, 1024},
		"a replay":                   {near, []string{"GET /replay HTTP/1.1\r\nHost: a\r\n\r\n"}, 409, 0},
		"what was replayed":          {home, []string{"GET /replay HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, 1024},
		"a stream":                   {near, []string{"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, streamed},
		"a question about databases": {near, []string{"GET /.well-known/homing HTTP/1.1\r\nHost: a\r\n\r\n"}, 404, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, tt.addr)
			for range 2 { // a connection is kept
				resp, got := exchange(t, c, tt.pieces...)
				if resp.StatusCode != tt.status || got != tt.length {
					t.Fatalf("%d, %d bytes; want %d, %d", resp.StatusCode, got, tt.status, tt.length)
				}
				if tt.length == streamed {
					return
				}
			}
		})
	}
}

// A body that was announced is asked for.
func TestContinue(t *testing.T) {
	near, _ := running(t)
	c := dial(t, near)
	resp, _ := exchange(t, c, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	if resp.StatusCode != http.StatusContinue {
		t.Fatalf("answered with %s before the body", resp.Status)
	}
	if resp, _ = exchange(t, c, "abc"); resp.StatusCode != http.StatusOK {
		t.Errorf("answered with %s", resp.Status)
	}
}

func TestTunnel(t *testing.T) {
	near, _ := running(t)
	c := dial(t, near)
	if resp, _ := exchange(t, c, "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); resp.StatusCode != 101 {
		t.Fatal(resp.Status)
	}
	heard := make([]byte, 5)
	for _, said := range []string{"hello", "again"} {
		if _, err := io.WriteString(c, said); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, heard); err != nil || string(heard) != said {
			t.Errorf("heard %q, %v", heard, err)
		}
	}
}
