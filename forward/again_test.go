package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"homing/edge/misbehave"
	"homing/forward"
)

// TestABodyServesAnotherRequest: it is free once nobody can be reading it any more, and
// is another body then, of which nothing is left of the one before.
func TestABodyServesAnotherRequest(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	for _, c := range []struct {
		behaviour string
		client    func() io.Reader
		length    int64
		size      int
	}{
		{"it went with the head", func() io.Reader { return atHand{strings.NewReader("first"), 5} }, 5, 5},
		{"it went by itself", func() io.Reader { return strings.NewReader(large) }, 100 << 10, 100 << 10},
		{"it went in chunks", func() io.Reader { return strings.NewReader(large) }, -1, 100 << 10},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				fmt.Fprint(w, n, err)
			})
			p, budget := newPool(t, forward.Config{}), forward.NewBudget(1<<30)
			b := forward.NewBody(c.client(), c.length, 1<<20, budget, func() {})
			for range 3 {
				req := request("POST")
				req.Length, req.Body = c.length, attempt(t, b)
				if _, got := get(t, p, addr, req); got != fmt.Sprint(c.size, nil) {
					t.Fatalf("the machine got %s", got)
				}
				if again, _ := io.ReadAll(attempt(t, b)); len(again) != c.size {
					t.Errorf("%d bytes were kept", len(again))
				}
				if b.Close(); !b.Free() || budget.Used() != 0 {
					t.Fatalf("free is %v, with %d bytes", b.Free(), budget.Used())
				}
				b.Begin(c.client(), c.length, 1<<20, budget, func() {})
				if !b.Unread() || b.Whole() {
					t.Fatal("the next body begins as the last one ended")
				}
			}
			b.Close()
		})
	}
}

// TestABodyThatIsBeingSentIsNotFree: a machine that has answered need not have taken it.
func TestABodyThatIsBeingSentIsNotFree(t *testing.T) {
	leavesNothing(t)
	machine := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		if skipHead(br) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			br.Peek(1) // until the other side closes it
		}
	})
	client, sends := io.Pipe()
	req := request("POST")
	b := withBody(t, req, client, 10)
	get(t, newPool(t, forward.Config{}), machine.addr, req)
	if b.Free() {
		t.Error("it is free while its sender waits for the client")
	}
	sends.Close()
	misbehave.Eventually(t, "it is free when its sender has ended", b.Free)
}

func TestABodyThatWentInHTTP2IsNeverFree(t *testing.T) {
	leavesNothing(t)
	addr, _ := serving2(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	req := request2("POST")
	b := withBody(t, req, strings.NewReader("hello"), 5)
	if _, got := get(t, newPool(t, forward.Config{}), addr, req); got != "hello" {
		t.Errorf("the machine said %q", got)
	}
	if b.Free() {
		t.Error("it is free, and net/http may still be reading it")
	}
}
