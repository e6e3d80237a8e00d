package forward_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"homing/forward"
)

// TestABodyThatBreaksOffIsNoWholeRequest asks the machine what it saw.
func TestABodyThatBreaksOffIsNoWholeRequest(t *testing.T) {
	half := func(end error) io.Reader {
		return io.MultiReader(strings.NewReader("half"), iotest.ErrReader(end))
	}
	lost := errors.New("the client is gone")
	cases := []struct {
		behaviour string
		client    io.Reader
		length    int64
		cause     error
	}{
		{"announced, and the client's connection broke", half(lost), 9, lost},
		{"announced, and the reader just ended", half(io.EOF), 9, io.ErrUnexpectedEOF},
		{"announced, and more came", strings.NewReader("more than nine"), 9, nil},
		{"in chunks", half(lost), -1, lost},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			saw := make(chan error, 1)
			addr, _ := serving(t, func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				saw <- err
			})
			req := request("POST")
			b := withBody(t, req, c.client, c.length)
			_, err := newPool(t, forward.Config{}).Do(t.Context(), addr, req)
			if !errors.Is(err, forward.ErrBroken) || c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("the exchange ended with %v, want %v for %v", err, forward.ErrBroken, c.cause)
			}
			if err := <-saw; err == nil {
				t.Error("the machine took it for a whole request")
			}
			if b.Whole() {
				t.Error("the body says that it is whole")
			}
		})
	}
}

func TestABodyIsReadAgainFromTheStart(t *testing.T) {
	const limit, budget = 100, 150
	cases := []struct {
		behaviour string
		length    int64 // announced
		size      int   // sent
		taken     int64 // of the budget, by others
		kept      int64 // bytes held after the first reading
		again     bool
	}{
		{"empty", 0, 0, 0, 0, true},
		{"within the limit", 100, 100, 0, 100, true},
		{"of unknown length within the limit", -1, 100, 0, 100, true},
		{"known to be over the limit", 101, 101, 0, 0, false},
		{"found to be over the limit", -1, 101, 0, 0, false},
		{"within what is left of the budget", 50, 50, 100, 50, true},
		{"over what is left of the budget", 51, 51, 100, 0, false},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			all := forward.NewBudget(budget)
			other := forward.NewBody(zeros(c.taken), c.taken, limit, all, func() {})
			io.ReadAll(attempt(t, other))

			// One byte a read: the limit is found out in the middle.
			b := forward.NewBody(iotest.OneByteReader(strings.NewReader(long[:c.size])), c.length, limit, all, func() {})
			for range 2 {
				a, err := b.Attempt()
				if err != nil {
					if !errors.Is(err, forward.ErrNotKept) || c.again {
						t.Errorf("Attempt: %v", err)
					}
					break
				}
				if got, err := io.ReadAll(a); string(got) != long[:c.size] || err != nil {
					t.Errorf("read %d bytes of %d, %v", len(got), c.size, err)
				}
				if got := all.Used() - c.taken; got != c.kept {
					t.Errorf("%d bytes are held, want %d", got, c.kept)
				}
			}
			if _, err := b.Attempt(); (err == nil) != c.again {
				t.Errorf("once more: %v", err)
			}
			if !b.Whole() {
				t.Error("the body was read and is not whole")
			}
			b.Close()
			b.Close() // must not free twice
			other.Close()
			if got := all.Used(); got != 0 {
				t.Errorf("%d bytes are held after Close", got)
			}
		})
	}
}

func TestABodyOverTheLimitThatNobodyReadYetCanBeSent(t *testing.T) {
	b := forward.NewBody(zeros(101), 101, 100, forward.NewBudget(1000), func() {})
	defer b.Close()
	attempt(t, b)
	if got, err := io.ReadAll(attempt(t, b)); len(got) != 101 || err != nil {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestABodyKnownToBeOverTheLimitIsNotKeptAtAll(t *testing.T) {
	budget := forward.NewBudget(1000)
	b := forward.NewBody(zeros(101), 101, 100, budget, func() {})
	defer b.Close()
	attempt(t, b).Read(make([]byte, 50))
	if n := budget.Used(); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}

func TestClosingABodyEndsAPendingRead(t *testing.T) {
	leavesNothing(t)
	pr, pw := io.Pipe()
	defer pw.Close()
	reading := make(chan struct{})
	b := forward.NewBody(readHook{pr, func() { close(reading) }}, -1, 100, forward.NewBudget(100), func() { pr.Close() })
	done := make(chan error, 1)
	a := attempt(t, b)
	go func() {
		_, err := a.Read(make([]byte, 1))
		done <- err
	}()
	<-reading
	b.Close()
	if err := <-done; err == nil {
		t.Error("the read ended without an error")
	}
	if again, err := b.Attempt(); err == nil {
		if _, err := again.Read(make([]byte, 1)); err == nil {
			t.Error("a closed body can be read")
		}
	}
}

// readHook calls before at each read.
type readHook struct {
	io.Reader
	before func()
}

func (r readHook) Read(p []byte) (int, error) {
	r.before()
	return r.Reader.Read(p)
}

// stale begins an exchange that is answered while its sender still waits for the
// client, as a replay is. What the client sent so far is "first,".
func stale(t *testing.T, p *forward.Pool, limit int64) (client *io.PipeWriter, body *forward.Body, budget *forward.Budget) {
	reads := make(chan struct{}, 100)
	m := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.ReadFull(br, make([]byte, len("6\r\nfirst,\r\n")))
		<-reads
		<-reads // the second read is pending: nothing more was sent
		io.WriteString(c, "HTTP/1.1 409 Conflict\r\nFly-Replay: region=ord\r\nContent-Length: 0\r\n\r\n")
	})
	pr, pw := io.Pipe()
	budget = forward.NewBudget(1 << 20)
	body = forward.NewBody(readHook{pr, func() { reads <- struct{}{} }}, -1, limit, budget, func() { pr.Close() })
	t.Cleanup(body.Close)
	req := request("POST")
	req.Length, req.Body = -1, attempt(t, body)
	go io.WriteString(pw, "first,")
	get(t, p, m.addr, req)
	return pw, body, budget
}

func TestASecondAttemptGetsWhatAnOlderOneIsStillReading(t *testing.T) {
	leavesNothing(t)
	p := newPool(t, forward.Config{})
	client, body, budget := stale(t, p, 1<<20)
	waiting := make(chan struct{})
	addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.CopyN(w, r.Body, int64(len("first,")))
		close(waiting) // for the client, behind the older attempt
		io.Copy(w, r.Body)
	})
	req := request("POST")
	req.Length, req.Body = -1, attempt(t, body)
	go func() {
		<-waiting
		for i := range 100 {
			fmt.Fprint(client, i, ",")
		}
		client.Close()
	}()
	_, got := get(t, p, addr, req)
	want := "first,"
	for i := range 100 {
		want += fmt.Sprint(i, ",")
	}
	if got != want {
		t.Errorf("the second machine got %q", got)
	}
	body.Close()
	if n := budget.Used(); n != 0 {
		t.Errorf("%d bytes are held after Close", n)
	}
}

// TestWhatAnOlderAttemptTookAndCouldNotKeepEndsTheExchange: the machine must not
// wait for bytes that will never come.
func TestWhatAnOlderAttemptTookAndCouldNotKeepEndsTheExchange(t *testing.T) {
	leavesNothing(t)
	p := newPool(t, forward.Config{})
	client, body, _ := stale(t, p, 10)
	defer client.Close()
	saw := make(chan error, 1)
	addr, _ := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		saw <- err
	})
	req := request("POST")
	req.Length, req.Body = -1, attempt(t, body)
	done := background(t.Context(), p, addr, req)
	io.WriteString(client, "more than the limit")
	if err := <-done; !errors.Is(err, forward.ErrNotKept) {
		t.Errorf("the exchange ended with %v, want %v", err, forward.ErrNotKept)
	}
	if err := <-saw; err == nil {
		t.Error("the machine took it for a whole request")
	}
}

// TestASmallBodyGoesWithTheHead if it lies there: in one write, and in the sender's own
// goroutine. What a client has still to send is not waited for.
func TestASmallBodyGoesWithTheHead(t *testing.T) {
	lying := func(s string, n int) io.Reader { return atHand{strings.NewReader(s), n} }
	for _, c := range []struct {
		behaviour string
		body      io.Reader
		length    int
		writes    int32
	}{
		{"it lies there", lying("hello", 5), 5, 1},
		{"half of it does", lying("hello", 3), 5, 2},
		{"it may not", strings.NewReader("hello"), 5, 2},
		{"it is large", lying(strings.Repeat("x", 8<<10+1), 8<<10+1), 8<<10 + 1, 2},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			leavesNothing(t)
			addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				fmt.Fprint(w, n, err)
			})
			var writes atomic.Int32
			p := newPool(t, forward.Config{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, network, addr)
				return countingWrites{nc, &writes}, err
			}})
			req := request("POST")
			withBody(t, req, c.body, int64(c.length))
			if _, got := get(t, p, addr, req); got != fmt.Sprint(c.length, nil) {
				t.Errorf("the machine got %s", got)
			}
			if n := writes.Load(); n < c.writes || c.writes == 1 && n > 1 {
				t.Errorf("%d writes, want %d", n, c.writes)
			}
		})
	}
}

// atHand is a client of whose body so much lies there.
type atHand struct {
	io.Reader
	n int
}

func (a atHand) Buffered() int { return a.n }

type countingWrites struct {
	net.Conn
	writes *atomic.Int32
}

func (c countingWrites) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestWhatLiesThereIsNotLookedAtWhileItIsRead: an older attempt may still be inside a
// read of the client when a machine that did not wait for the body sends it elsewhere.
func TestWhatLiesThereIsNotLookedAtWhileItIsRead(t *testing.T) {
	leavesNothing(t)
	client := &busy{t: t, begun: make(chan struct{}), goOn: make(chan struct{})}
	addr, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		close(client.goOn) // the head is here: whatever looks at the body has looked
		echo(w, r)
	})
	req := request("POST")
	body := withBody(t, req, client, 5)
	older := attempt(t, body)
	read := make(chan error)
	go func() {
		_, err := older.Read(make([]byte, 5))
		read <- err
	}()
	<-client.begun
	if _, got := get(t, newPool(t, forward.Config{}), addr, req); got != "hello" {
		t.Errorf("the machine got %q", got)
	}
	if err := <-read; err != io.EOF {
		t.Error(err)
	}
}

// busy is a client that sends its body when it is told to.
type busy struct {
	t     *testing.T
	begun chan struct{}
	goOn  chan struct{}
}

func (b *busy) Read(p []byte) (int, error) {
	close(b.begun)
	<-b.goOn
	return copy(p, "hello"), io.EOF
}

func (b *busy) Buffered() int {
	b.t.Error("the client is asked what lies there while it is read")
	return 0
}

// TestAnAttemptThatWaitedForAnOlderOneGetsAll: what the older one read to the body's end
// was kept for it, and is not the end yet.
func TestAnAttemptThatWaitedForAnOlderOneGetsAll(t *testing.T) {
	for _, length := range []int64{5, -1} {
		for range 100 { // whether it waits at the right moment is chance
			client := &busy{t: t, begun: make(chan struct{}), goOn: make(chan struct{})}
			req := request("POST")
			body := withBody(t, req, client, length)
			older := attempt(t, body)
			read := make(chan struct{})
			go func() {
				defer close(read)
				older.Read(make([]byte, 5))
			}()
			<-client.begun
			go close(client.goOn)
			if got, err := io.ReadAll(req.Body); string(got) != "hello" || err != nil {
				t.Fatalf("length %d: it got %q, %v", length, got, err)
			}
			<-read
		}
	}
}
