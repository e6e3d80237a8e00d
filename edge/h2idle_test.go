package edge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
)

// newPipes2 has a machine that speaks HTTP/2, and takes 64 KiB of a body ahead.
func newPipes2(t *testing.T, front string, h http.HandlerFunc) *pipes {
	machine := &http.Server{Handler: h, Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}}
	machine.Protocols.SetUnencryptedHTTP2(true)
	conns := &pipes{clients: make(chan net.Conn), closed: make(chan struct{})}
	go machine.Serve(conns)
	t.Cleanup(func() { machine.Close() })
	return newPipes(t, front, func(c *edge.Config, o *fleet.Options) {
		o.HTTP2 = true
		c.Machines.Dial = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			conns.clients <- theirs
			return ours, nil
		}
	}, nil)
}

func TestAnExchangeOverHTTP2WithoutAnAnswerEnds(t *testing.T) {
	eachFront(t, func(t *testing.T, front string) {
		p := newPipes2(t, front, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		begun := time.Now()
		_, br := p.says(plainGet)
		wantProblem(t, p.answer(br), 504, "PU02", "idle_timeout")
		if took := time.Since(begun); took != idle {
			t.Errorf("it took %v", took)
		}
	})
}

func TestWhatMovesOverHTTP2Lives(t *testing.T) {
	dripping := func(w http.ResponseWriter, text string) {
		for i := range text {
			<-time.After(almost)
			io.WriteString(w, text[i:i+1])
			http.NewResponseController(w).Flush()
		}
	}
	post := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(long), long)
	for behaviour, tc := range map[string]struct {
		said    string
		machine http.HandlerFunc
	}{
		"only hints": {plainGet, func(w http.ResponseWriter, _ *http.Request) {
			for range 9 {
				<-time.After(almost)
				w.WriteHeader(http.StatusProcessing)
			}
			io.WriteString(w, "123456789")
		}},
		"only a download": {plainGet, func(w http.ResponseWriter, _ *http.Request) { dripping(w, "123456789") }},
		"only a wish": {plainGet, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Fly-Replay-Src") != "" {
				io.WriteString(w, "123456789")
				return
			}
			w.Header().Set("Content-Type", "application/vnd.fly.replay+json")
			dripping(w, `{"instance":"near"}`)
		}},
		"only what is sent a second time": {post, func(w http.ResponseWriter, r *http.Request) {
			again := r.Header.Get("Fly-Replay-Src") != ""
			for range len(long) / (64 << 10) {
				if again {
					<-time.After(almost)
				}
				if _, err := io.CopyN(io.Discard, r.Body, 64<<10); err != nil {
					return
				}
			}
			if !again {
				replays("instance=near")(w, r)
				return
			}
			io.WriteString(w, "123456789")
		}},
	} {
		t.Run(behaviour, func(t *testing.T) {
			eachFront(t, func(t *testing.T, front string) {
				p := newPipes2(t, front, tc.machine)
				_, br := p.says(tc.said)
				resp, err := http.ReadResponse(br, nil)
				for err == nil && resp.StatusCode == http.StatusProcessing {
					resp, err = http.ReadResponse(br, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				if string(body) != "123456789" || err != nil {
					t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
				}
				if r := <-p.records; r.Code != "" || strings.Contains(r.Problem, "idle") {
					t.Errorf("record %+v", r)
				}
			})
		})
	}
}
