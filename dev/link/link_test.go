package link_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"homing/dev/link"
)

const oneWay = 50 * time.Millisecond

// connect returns both ends of a connection, the first of them on the link.
func connect(t *testing.T, l *link.Link) (far net.Conn, near net.Conn) {
	t.Helper()
	a, b := net.Pipe()
	far = l.Wrap(a)
	t.Cleanup(func() { b.Close(); l.Close() })
	return far, b
}

func read(t *testing.T, c net.Conn, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Error(err)
	}
}

func TestBothDirectionsTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, near := connect(t, link.New(oneWay))
		begun := time.Now()
		go write(t, far, "there")
		if got := read(t, near, 5); got != "there" || time.Since(begun) != oneWay {
			t.Errorf("got %q after %v; want %q after %v", got, time.Since(begun), "there", oneWay)
		}
		begun = time.Now()
		go write(t, near, "back")
		if got := read(t, far, 4); got != "back" || time.Since(begun) != oneWay {
			t.Errorf("got %q after %v; want %q after %v", got, time.Since(begun), "back", oneWay)
		}
	})
}

func TestPartsThatFollowEachOtherTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, near := connect(t, link.New(oneWay))
		begun := time.Now()
		for range 100 {
			write(t, far, "x") // does not wait for the other side
		}
		if time.Since(begun) != 0 {
			t.Errorf("sending took %v", time.Since(begun))
		}
		read(t, near, 100)
		if took := time.Since(begun); took != oneWay {
			t.Errorf("100 parts took %v; want one way, %v", took, oneWay)
		}
	})
}

func TestAPartWithoutBytesStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, near := connect(t, link.New(oneWay))
		write(t, far, "a")
		far.Write(nil)
		write(t, far, "b")
		if got := read(t, near, 2); got != "ab" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAHeldLinkLetsNothingInAndEverythingOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := link.New(oneWay)
		far, near := connect(t, l)
		l.Hold()
		l.Hold() // twice is once
		go write(t, near, "late")
		write(t, far, "out")
		if got := read(t, near, 3); got != "out" {
			t.Errorf("got %q", got)
		}
		far.SetReadDeadline(time.Now().Add(time.Hour))
		if n, err := far.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d bytes, %v, from a held link; want a deadline", n, err)
		}
		far.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Minute, l.Release)
		if got := read(t, far, 4); got != "late" {
			t.Errorf("got %q after the release", got)
		}
	})
}

func TestHoldStopsAReaderThatWaitsAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := link.New(0)
		far, near := connect(t, l)
		got := make(chan string, 1)
		go func() { got <- read(t, far, 1) }()
		synctest.Wait()
		l.Hold()
		write(t, near, "x")
		synctest.Wait()
		select {
		case s := <-got:
			t.Errorf("%q came through a held link", s)
		default:
		}
		l.Release()
		<-got
	})
}

func TestCloseLetsWhatWasSentArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, near := connect(t, link.New(oneWay))
		write(t, far, "last words")
		far.Close()
		if got, err := io.ReadAll(near); string(got) != "last words" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading a closed connection: %v", err)
		}
	})
}

func TestTheOtherSidesEndArrivesAfterItsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, near := connect(t, link.New(oneWay))
		begun := time.Now()
		go func() { write(t, near, "bye"); near.Close() }()
		if got, err := io.ReadAll(far); string(got) != "bye" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if took := time.Since(begun); took != oneWay {
			t.Errorf("the end came after %v; want %v", took, oneWay)
		}
	})
}

func TestAliveOnlyWhileSilentAndOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, near := connect(t, link.New(oneWay))
		alive := far.(interface{ Alive() bool }).Alive
		if !alive() {
			t.Error("a fresh connection is not alive")
		}
		write(t, near, "?")
		synctest.Wait()
		if alive() {
			t.Error("alive with bytes that nobody asked for")
		}
		read(t, far, 1)
		near.Close()
		synctest.Wait()
		if alive() {
			t.Error("alive after the other side closed")
		}
	})
}

func TestDialTakesARoundTripAndCloseBreaksConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const near = 20 * time.Millisecond
	way := link.New(near)
	begun := time.Now()
	c, err := way.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 2*near {
		t.Errorf("connecting took %v; the handshake alone takes %v", took, 2*near)
	}
	way.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading after the link was closed: %v", err)
	}
	if late, err := way.Dial(t.Context(), "tcp", l.Addr().String()); err == nil {
		if _, err := late.Read(make([]byte, 1)); err == nil {
			t.Error("a closed link carries a new connection")
		}
	}
}

func TestACutLinkCarriesNothingUntilItIsMended(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	way := link.New(0)
	defer way.Close()
	before, err := way.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	way.Cut()
	if _, err := before.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a connection from before: %v", err)
	}
	if _, err := way.Dial(t.Context(), "tcp", l.Addr().String()); err == nil {
		t.Error("a connection was made through a cut")
	}
	way.Mend()
	after, err := way.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	after.Close()
}

// TestAnAnswerOnItsWayArrives although the side that gave it takes nothing any more:
// it has answered before it had read everything, and gone.
func TestAnAnswerOnItsWayArrives(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.ReadFull(c, make([]byte, 1))
		io.WriteString(c, "too much")
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}()
	way := link.New(20 * time.Millisecond)
	defer way.Close()
	c, err := way.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		for part := make([]byte, 64<<10); ; {
			if _, err := c.Write(part); err != nil {
				return
			}
		}
	}()
	got := make([]byte, len("too much"))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "too much" {
		t.Errorf("got %q, %v", got, err)
	}
	<-refused
}
