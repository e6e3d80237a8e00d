package edge_test

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
)

var uploadSize = flag.Int64("upload", 64<<20, "bytes of the upload that is replayed")

// noise is a body that no two places of are alike.
func noise(size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), size)
}

// summing is a reader that remembers what went through.
type summing struct {
	io.Reader
	sum hash.Hash
}

func (s summing) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

// TestALargeUploadIsReplayedWithNothingKept: the machine nearby decides before it
// reads, so the body is still with the client when the request goes home.
//
//	go test -run LargeUpload -v ./edge -upload=2147483648
//
// does so with 2 GiB; the memory is in the log.
func TestALargeUploadIsReplayedWithNothingKept(t *testing.T) {
	var kept, size atomic.Int64
	var e *edge.Edge
	arrived := sha256.New()
	home := serving(t, "home", "ord", func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 1<<20)
		for {
			n, err := r.Body.Read(buf)
			arrived.Write(buf[:n])
			size.Add(int64(n))
			kept.Store(max(kept.Load(), e.KeptBytes()))
			if err != nil {
				fmt.Fprint(w, err)
				return
			}
		}
	})
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=ord")), home)
	e = w.edge
	sent := sha256.New()
	r := w.request("POST", "/", summing{noise(*uploadSize), sent})
	r.ContentLength = *uploadSize
	if a := w.send(r); a.status != 200 || a.body != "EOF" {
		t.Fatalf("got %+v", a)
	}
	wantWay(t, w.record(), "near", "home")
	if size.Load() != *uploadSize || string(arrived.Sum(nil)) != string(sent.Sum(nil)) {
		t.Errorf("%d bytes of %d arrived, or others", size.Load(), *uploadSize)
	}
	if kept.Load() != 0 {
		t.Errorf("%d bytes were kept", kept.Load())
	}
	t.Logf("%d MiB; at most %d bytes kept; %s", *uploadSize>>20, kept.Load(), peakMemory())
}

// peakMemory is what the process has held at most, machines and client included.
func peakMemory() string {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmHWM") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	return "memory unknown"
}

// TestAnUnknownLengthIsKeptToTheLimit: whoever does not say how much is coming
// cannot be asked to wait with it.
func TestAnUnknownLengthIsKeptToTheLimit(t *testing.T) {
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		replays("region=ord")(w, r)
	})
	for size, want := range map[int]int{len(long): 200, len(long) + 1: 413} {
		w := newWorld(t, func(c *edge.Config) { c.BodyLimit = int64(len(long)) }, near, serving(t, "home", "ord", echo))
		a := w.send(w.request("POST", "/", io.LimitReader(strings.NewReader(long+"!"), int64(size))))
		if a.status != want || want == 200 && a.body != long {
			t.Errorf("%d bytes: got %d and %d bytes", size, a.status, len(a.body))
		}
	}
}

func TestAnAppHasItsOwnLimit(t *testing.T) {
	f := fleet.New(distances, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		replays("region=ord")(w, r)
	}), serving(t, "home", "ord", echo))
	if err := f.SetApps(fleet.App{Name: "web", Options: fleet.Options{BodyLimit: 10}}); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	if a := w.do("POST", "/", "0123456789"); a.status != 200 || a.body != "0123456789" {
		t.Errorf("at the limit: got %+v", a)
	}
	wantProblem(t, w.do("POST", "/", "0123456789a"), 413, "PA01", "larger")
}

// TestAnExpectationIsForTheMachine: a client that waits to be asked is asked when
// the app wants the body, and not when it does not.
func TestAnExpectationIsForTheMachine(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Refuse") != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		echo(w, r)
	}))
	if got := w.talk(strings.Replace(head, "\r\n\r\n", "\r\nRefuse: yes\r\n\r\n", 1)); !strings.HasPrefix(got, "HTTP/1.1 403 ") {
		t.Errorf("a client that is refused was told %q", got)
	}
	c := w.dial()
	io.WriteString(c, head)
	br := bufio.NewReader(c)
	if line, _ := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("a client that is wanted was told %q", line)
	}
}

// TestWhoeverIsReplayedIsAskedForItsBodyOnce, by the machine that takes it.
func TestWhoeverIsReplayedIsAskedForItsBodyOnce(t *testing.T) {
	w := newWorld(t, func(c *edge.Config) { c.BodyLimit = 2 }, serving(t, "near", "ams", replays("region=ord")), serving(t, "home", "ord", echo))
	c := w.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n")
	br := bufio.NewReader(c)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 200 OK\r\n"} {
		if line, _ := br.ReadString('\n'); line != want {
			t.Fatalf("the client was told %q, want %q", line, want)
		}
		if want == "\r\n" {
			io.WriteString(c, "hello")
		}
	}
	wantWay(t, w.record(), "near", "home")
}

// TestAMachineThatCannotBeAskedGetsTheBody and then it is too late for a replay.
func TestAMachineThatCannotBeAskedGetsTheBody(t *testing.T) {
	near := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.ReadFull(br, make([]byte, 5))
		io.WriteString(c, "HTTP/1.1 409 Conflict\r\nfly-replay: region=ord\r\nContent-Length: 0\r\n\r\n")
	})
	w := newWorld(t, func(c *edge.Config) { c.BodyLimit, c.Machines.ContinueWait = 2, 1 }, near, serving(t, "home", "ord", echo))
	wantProblem(t, w.do("POST", "/", "hello"), 413, "PA01", "larger")
}

// TestAnAppMayAnswerBeforeItReads, as one does that tells how an upload gets on: it
// cannot ask for the body any more. Over HTTP/1.1 net/http lets no app do so since Go
// 1.27, if the body was announced.
func TestAnAppMayAnswerBeforeItReads(t *testing.T) {
	want := fmt.Sprint(len(long), nil)
	near1 := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
		n, err := io.CopyN(io.Discard, br, int64(len(long)))
		fmt.Fprint(c, n, err)
	})
	near2 := serving2(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})
	for proto, near := range map[string]fleet.Machine{"HTTP/1.1": near1, "HTTP/2": near2} {
		t.Run(proto, func(t *testing.T) {
			w := newWorld(t, func(c *edge.Config) {
				withOptions(t, fleet.Options{HTTP2: proto == "HTTP/2"}, near)(c)
				c.BodyLimit, c.Machines.ContinueWait = 2, time.Hour
			})
			if a := w.do("POST", "/", long); a.status != 200 || a.body != want {
				t.Errorf("got %+v", a)
			}
		})
	}
}
