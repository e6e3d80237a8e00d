package edge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/edge"
	"homing/fleet"
)

func TestAnExchangeWithoutAnAnswerEnds(t *testing.T) {
	for behaviour, tc := range map[string]struct {
		said    string
		machine func(c net.Conn, br *bufio.Reader)
		status  int
		code    string
		text    string
	}{
		"the machine says nothing":        {plainGet, func(c net.Conn, br *bufio.Reader) { until(br) }, 504, "PU02", "did not answer"},
		"it takes nothing of the body":    {halfPost, func(c net.Conn, br *bufio.Reader) { skipHead(br); <-time.After(time.Hour) }, 504, "PU02", "did not answer"},
		"the client stalls in its body":   {halfPost, func(c net.Conn, br *bufio.Reader) { until(br) }, 408, "BAD", "client stalled"},
		"the client stalls in a chunk":    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", func(c net.Conn, br *bufio.Reader) { until(br) }, 408, "BAD", "client stalled"},
		"the machine stops in its head":   {plainGet, func(c net.Conn, br *bufio.Reader) { skipHead(br); io.WriteString(c, okHead[:20]); until(br) }, 504, "PU02", "did not answer"},
		"the machine stops in its wishes": {plainGet, func(c net.Conn, br *bufio.Reader) { skipHead(br); io.WriteString(c, halfWish); until(br) }, 504, "PU02", "did not answer"},
		"the machine hints and is silent": {plainGet, func(c net.Conn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, "HTTP/1.1 103 Hints\r\n\r\n")
			until(br)
		}, 504, "PU02", "did not answer"},
		"the client stalls before a chunk": {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", func(c net.Conn, br *bufio.Reader) { until(br) }, 408, "BAD", "client stalled"},
	} {
		t.Run(behaviour, func(t *testing.T) {
			eachFront(t, func(t *testing.T, front string) {
				left := make(chan struct{}, 10)
				p := newPipes(t, front, nil, func(c net.Conn, br *bufio.Reader) { tc.machine(c, br); left <- struct{}{} })
				begun := time.Now()
				_, br := p.says(tc.said)
				if strings.Contains(behaviour, "hints") {
					skipHead(br)
				}
				a := p.answer(br)
				if took := time.Since(begun); took != idle {
					t.Errorf("it took %v", took)
				}
				wantProblem(t, a, tc.status, tc.code, "idle_timeout")
				if r := <-p.records; r.Code != tc.code || r.Status != tc.status || !strings.Contains(r.Problem, tc.text) || len(r.Hops) != 1 || r.Last().Problem == "" && r.Last().Status == 0 {
					t.Errorf("record %+v", r)
				}
				<-left // the machine's connection was closed
			})
		})
	}
}

const halfWish = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.fly.replay+json\r\nContent-Length: 30\r\n\r\n{"

func TestAConnectionOutlivesAnIdleExchange(t *testing.T) {
	eachFront(t, func(t *testing.T, front string) {
		nth := 0
		p := newPipes(t, front, nil, func(c net.Conn, br *bufio.Reader) {
			if nth++; nth == 1 {
				until(br)
				return
			}
			skipHead(br)
			io.WriteString(c, okHead+"123456789")
		})
		c, br := p.says(plainGet)
		p.answer(br)
		io.WriteString(c, plainGet)
		if a := p.answer(br); a.body != "123456789" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestAnAnswerThatStopsIsCut(t *testing.T) {
	for behaviour, head := range map[string]string{"announced": okHead + "half", "in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"} {
		t.Run(behaviour, func(t *testing.T) {
			eachFront(t, func(t *testing.T, front string) {
				p := newPipes(t, front, nil, func(c net.Conn, br *bufio.Reader) { skipHead(br); io.WriteString(c, head); until(br) })
				_, br := p.says(plainGet)
				resp, err := http.ReadResponse(br, nil)
				if err == nil { // else not even the head came, which is as good
					_, err = io.ReadAll(resp.Body)
				}
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("it ended with %v", err)
				}
				if r := <-p.records; r.Code != "PU02" || r.Status != 200 || !strings.Contains(r.Problem, "idle_timeout") || r.Duration != idle {
					t.Errorf("record %+v", r)
				}
			})
		})
	}
}

func TestAClientThatTakesNothingIsIdle(t *testing.T) {
	eachFront(t, func(t *testing.T, front string) {
		left := make(chan struct{})
		p := newPipes(t, front, nil, func(c net.Conn, br *bufio.Reader) {
			defer close(left)
			skipHead(br)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n"+long)
		})
		p.says(plainGet)
		<-left
		if r := <-p.records; r.Code != "" || !strings.Contains(r.Problem, "the client took nothing") || r.Duration != idle {
			t.Errorf("record %+v", r)
		}
	})
}

func TestATunnelInWhichNothingMovesEnds(t *testing.T) {
	eachFront(t, func(t *testing.T, front string) {
		left := make(chan struct{})
		p := newPipes(t, front, nil, func(c net.Conn, br *bufio.Reader) {
			defer close(left)
			skipHead(br)
			io.WriteString(c, switchHead)
			until(br)
		})
		_, br := p.says(askSwitch)
		skipHead(br)
		if rest, _ := io.ReadAll(br); len(rest) > 0 {
			t.Errorf("the client got %q", rest)
		}
		<-left
		if r := <-p.records; r.Code != "" || r.Status != 101 || !strings.Contains(r.Problem, "idle_timeout") || r.Duration != idle {
			t.Errorf("record %+v", r)
		}
	})
}

// drip says one byte after another, each when almost too much time has passed.
func drip(to io.Writer) {
	for _, b := range []byte("123456789") {
		<-time.After(almost)
		to.Write([]byte{b})
	}
}

func TestWhatMovesInOneDirectionLives(t *testing.T) {
	for behaviour, tc := range map[string]struct {
		said    string
		client  func(c net.Conn, br *bufio.Reader) // beside the reading of the answer
		machine func(c net.Conn, br *bufio.Reader)
	}{
		"only an upload": {
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", func(c net.Conn, _ *bufio.Reader) { drip(c) },
			func(c net.Conn, br *bufio.Reader) {
				skipHead(br)
				io.CopyN(io.Discard, br, 9)
				io.WriteString(c, okHead+"123456789")
			},
		},
		"only a download": {plainGet, nil, func(c net.Conn, br *bufio.Reader) { skipHead(br); io.WriteString(c, okHead); drip(c) }},
		"only a head": {plainGet, nil, func(c net.Conn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nSlow: ")
			drip(c)
			io.WriteString(c, "\r\nContent-Length: 9\r\n\r\n123456789")
		}},
		"only hints": {plainGet, nil, func(c net.Conn, br *bufio.Reader) {
			skipHead(br)
			for range 9 {
				<-time.After(almost)
				io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n")
			}
			io.WriteString(c, okHead+"123456789")
		}},
		"only what a tunnel brings": {askSwitch, nil, func(c net.Conn, br *bufio.Reader) { skipHead(br); io.WriteString(c, switchHead); drip(c) }},
		"only what a tunnel takes": {askSwitch, func(c net.Conn, _ *bufio.Reader) { drip(c) }, func(c net.Conn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, switchHead)
			io.CopyN(io.Discard, br, 9)
			io.WriteString(c, "123456789")
		}},
	} {
		t.Run(behaviour, func(t *testing.T) {
			eachFront(t, func(t *testing.T, front string) {
				p := newPipes(t, front, nil, tc.machine)
				c, br := p.says(tc.said)
				if tc.client != nil {
					go tc.client(c, br)
				}
				resp, err := http.ReadResponse(br, nil)
				for err == nil && resp.StatusCode == http.StatusProcessing {
					resp, err = http.ReadResponse(br, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				body := resp.Body.(io.Reader)
				if resp.StatusCode == http.StatusSwitchingProtocols {
					body = br
				}
				got := make([]byte, 9)
				if _, err := io.ReadFull(body, got); string(got) != "123456789" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
				c.Close()
				if r := <-p.records; r.Code != "" || r.Duration < 9*almost {
					t.Errorf("record %+v", r)
				}
			})
		})
	}
}

// TestABodyThatIsTakenSlowlyASecondTimeLives: it was kept, and the client says
// nothing any more.
func TestABodyThatIsTakenSlowlyASecondTimeLives(t *testing.T) {
	eachFront(t, func(t *testing.T, front string) {
		nth := 0
		p := newPipes(t, front, nil, func(c net.Conn, br *bufio.Reader) {
			slowly := nth > 0
			nth++
			skipHead(br)
			for range len(long) / (64 << 10) {
				if slowly {
					<-time.After(almost)
				}
				io.CopyN(io.Discard, br, 64<<10)
			}
			if !slowly {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nfly-replay: instance=near\r\nContent-Length: 0\r\n\r\n")
				return
			}
			io.WriteString(c, okHead+"123456789")
		})
		_, br := p.says(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(long), long))
		if a := p.answer(br); a.status != 200 || a.body != "123456789" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestWaitingIsNotIdling(t *testing.T) {
	slow := func(c net.Conn, br *bufio.Reader) {
		skipHead(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n")
		drip(c)
	}
	t.Run("for a machine at its limit", func(t *testing.T) {
		eachFront(t, func(t *testing.T, front string) {
			p := newPipes(t, front, nil, slow)
			_, first := p.says(plainGet)
			go until(first)
			synctest.Wait()
			_, second := p.says(plainGet)
			if a := p.answer(second); a.status != 200 || a.body != "123456789" {
				t.Errorf("got %+v", a)
			}
		})
	})
	t.Run("for a target that is not ready", func(t *testing.T) {
		eachFront(t, func(t *testing.T, front string) {
			nth := 0
			p := newPipes(t, front, func(c *edge.Config, _ *fleet.Options) {
				near := c.Fleet.Snapshot().Machines()[0]
				home := fleet.Machine{ID: "home", App: "web", Region: "ord", Addr: "home"}
				c.Fleet = fleet.New(distances, near, home)
				home.Healthy = true
				time.AfterFunc(3*idle, func() { c.Fleet.Update(home) })
			}, func(c net.Conn, br *bufio.Reader) {
				if nth++; nth > 1 {
					slow(c, br)
					return
				}
				skipHead(br)
				io.WriteString(c, "HTTP/1.1 409 Conflict\r\nfly-replay: region=ord\r\nContent-Length: 0\r\n\r\n")
			})
			_, br := p.says(plainGet)
			if a := p.answer(br); a.status != 200 || a.body != "123456789" {
				t.Errorf("got %+v", a)
			}
		})
	})
	t.Run("for a connection", func(t *testing.T) {
		eachFront(t, func(t *testing.T, front string) {
			p := newPipes(t, front, func(c *edge.Config, _ *fleet.Options) {
				dial := c.Machines.Dial
				c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
					<-time.After(4 * idle)
					return dial(ctx, network, addr)
				}
			}, slow)
			_, br := p.says(plainGet)
			if a := p.answer(br); a.status != 200 || a.body != "123456789" {
				t.Errorf("got %+v", a)
			}
		})
	})
}

// TestIdlingBeginsAnewWithAConnection: what connecting may take is not added to it.
func TestIdlingBeginsAnewWithAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes(t, "wire", func(c *edge.Config, _ *fleet.Options) {
			dial := c.Machines.Dial
			c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				<-time.After(3 * idle / 2)
				return dial(ctx, network, addr)
			}
		}, func(c net.Conn, br *bufio.Reader) { until(br) })
		begun := time.Now()
		_, br := p.says(plainGet)
		wantProblem(t, p.answer(br), 504, "PU02", "idle_timeout")
		if took := time.Since(begun); took != 5*idle/2 {
			t.Errorf("it took %v", took)
		}
	})
}

// TestALongTimeoutGivesClientsTimeToo takes a part of the answer after longer than
// clients have by default.
func TestALongTimeoutGivesClientsTimeToo(t *testing.T) {
	eachFront(t, func(t *testing.T, front string) {
		p := newPipes(t, front, func(_ *edge.Config, o *fleet.Options) { o.IdleTimeout = time.Hour }, func(c net.Conn, br *bufio.Reader) {
			skipHead(br)
			io.WriteString(c, okHead+"123456789")
		})
		_, br := p.says(plainGet)
		<-time.After(59 * time.Minute)
		if a := p.answer(br); a.body != "123456789" || a.err != nil {
			t.Errorf("got %+v", a)
		}
	})
}

func TestIdleEndsOnSockets(t *testing.T) {
	silent := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		line, _ := br.ReadString('\n')
		if skipHead(br) && strings.Contains(line, "/tunnel") {
			io.WriteString(c, switchHead)
		}
		until(br)
	})
	w := newWorld(t, withOptions(t, fleet.Options{IdleTimeout: 20 * time.Millisecond}, silent))
	for behaviour, tc := range map[string]struct{ said, want, problem string }{
		"a silent machine":    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 504 ", "did not answer"},
		"a client that stops": {halfPost, "HTTP/1.1 408 ", "the client stalled"},
		"a tunnel":            {strings.Replace(askSwitch, "/", "/tunnel", 1), "HTTP/1.1 101 ", "tunnel was closed"},
	} {
		t.Run(behaviour, func(t *testing.T) {
			got := w.talk(tc.said)
			if r := w.record(); !strings.HasPrefix(got, tc.want) || !strings.Contains(r.Problem, tc.problem) {
				t.Errorf("got %q, record %+v", got, r)
			}
		})
	}
}

func TestWithoutAWishItIsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes(t, "wire", func(_ *edge.Config, o *fleet.Options) { o.IdleTimeout = 0 }, func(c net.Conn, br *bufio.Reader) { until(br) })
		begun := time.Now()
		_, br := p.says(plainGet)
		wantProblem(t, p.answer(br), 504, "PU02", "1m0s")
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
