package edge_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/journey"
	"homing/machine"
	"homing/replay"
)

func TestAReplayDeliversTheWholeRequestElsewhere(t *testing.T) {
	home := serving(t, "home", "ord", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if string(body) != long[:len(body)] || err != nil {
			t.Errorf("the body is another, or ended with %v", err)
		}
		fmt.Fprint(w, r.Method, " ", r.RequestURI, " ", len(body), " ", r.Header["Cookie"], r.Header.Get("Fly-Region"))
	})
	for _, n := range []int{0, 1, 32 << 10, 1 << 20} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d bytes, announced %v", n, announced), func(t *testing.T) {
				w := newWorld(t, nil, serving(t, "near", "ams", replays("region=ord;state=method")), home)
				a := w.send(w.request("POST", "/a%2Fb?q=1", body(long[:n], announced), "Cookie", "a=1", "Cookie", "b=2"))
				if want := fmt.Sprint("POST /a%2Fb?q=1 ", n, " [a=1 b=2]ams"); a.body != want || a.err != nil {
					t.Errorf("got %q, %v; want %q", a.body, a.err, want)
				}
				if a.header.Get("Leak") != "" || a.header.Get("Fly-Replay") != "" || strings.Contains(a.body, "leak") {
					t.Errorf("the replay itself reached the client: %v", a.header)
				}
				checkReplayRecord(t, w.record())
			})
		}
	}
}

func checkReplayRecord(t *testing.T, r *journey.Record) {
	t.Helper()
	wantWay(t, r, "near", "home")
	if first := r.Hops[0]; !first.Replayed || first.Status != 409 || first.Problem != "" {
		t.Errorf("first hop %+v", first)
	}
	if last := r.Hops[1]; last.Replayed || last.Status != 200 || last.Way != 100*time.Millisecond || last.Start < r.Hops[0].Took {
		t.Errorf("last hop %+v", last)
	}
	if r.Status != 200 || r.Code != "" {
		t.Errorf("record %+v", r)
	}
}

func TestAnyStatusMayAskForAReplay(t *testing.T) {
	for _, status := range []string{"101 Switching Protocols", "200 OK", "204 No Content", "307 Temporary Redirect", "421 Misdirected Request", "500 Oops"} {
		t.Run(status, func(t *testing.T) {
			near := says(t, "near", "ams", "HTTP/1.1 "+status+"\r\nfly-replay: region=ord\r\nContent-Length: 0\r\n\r\n")
			w := newWorld(t, nil, near, serving(t, "home", "ord", hello))
			if a := w.do("GET", "/", ""); a.status != 200 || a.body != "hello" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestATargetIsToldWhereTheRequestComesFrom(t *testing.T) {
	before := time.Now().Truncate(time.Microsecond)
	source := func(w http.ResponseWriter, r *http.Request) {
		src, err := replay.ParseSource(strings.Join(r.Header["Fly-Replay-Src"], " and "))
		at := !src.At.Before(before) && !src.At.After(time.Now())
		fmt.Fprint(w, src.Instance, " ", src.Region, " ", src.State, " ", at, " ", err, " ", r.Header["Fly-Preferred-Instance-Unavailable"])
	}
	cases := []struct{ behaviour, instruction, want string }{
		{"state and all", "region=ord;state=a,b=c", "near ams a,b=c true <nil> []"},
		{"without a state", "region=ord", "near ams  true <nil> []"},
		{"the preferred machine is gone", "prefer_instance=nobody;region=ord", "near ams  true <nil> [nobody]"},
		{"the preferred machine is there", "prefer_instance=home", "near ams  true <nil> []"},
		{"elsewhere", "elsewhere=true", "near ams  true <nil> []"},
	}
	home := serving(t, "home", "ord", source)
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			w := newWorld(t, nil, serving(t, "near", "ams", replays(c.instruction)), home)
			if a := w.do("GET", "/", "", "Fly-Replay-Src", "instance=forged"); a.body != c.want {
				t.Errorf("the target was told %q, want %q", a.body, c.want)
			}
		})
	}
}

func TestAReplayMayNameAnotherApp(t *testing.T) {
	other := serving(t, "other", "ord", hello)
	other.App = "api"
	w := newWorld(t, nil, serving(t, "near", "ams", replays("app=api")), other)
	if a := w.do("GET", "/", ""); a.body != "hello" {
		t.Errorf("got %+v", a)
	}
}

func TestReplaysThatCannotBe(t *testing.T) {
	const secret = "Zx9secret"
	cases := []struct {
		behaviour, answer string // its fly-replay header lines
		status            int
		code, text        string
	}{
		{"two headers", "fly-replay: region=ord\r\nfly-replay: region=ord", 502, "PA03", "2 times"},
		{"nothing in it", "fly-replay: ", 502, "PA03", "empty"},
		{"no field", "fly-replay: ord", 502, "PA03", "name=value"},
		{"a bad region", "fly-replay: region=o;state=" + secret, 502, "PA03", "region"},
		{"a time without a unit", "fly-replay: state=" + secret + ";timeout=10", 502, "PA03", "timeout"},
		{"a bad fallback", "fly-replay: state=" + secret + ";fallback=maybe", 502, "PA03", "fallback"},
		{"a field twice", "fly-replay: state=" + secret + ";state=" + secret, 502, "PA03", "twice"},
		{"a state with a control character", "fly-replay: state=" + secret + "\x01", 502, "PU02", "broke off"},
		{"a region without machines", "fly-replay: region=gru;state=" + secret, 503, "PR03", "gru"},
		{"a machine that does not exist", "fly-replay: instance=m9;state=" + secret, 503, "PR03", "m9"},
		{"nobody else", "fly-replay: region=ams;elsewhere=true;state=" + secret, 503, "PR03", "ams"},
		{"an app that does not exist", "fly-replay: app=shop;state=" + secret, 502, "PA04", "shop"},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			near := says(t, "near", "ams", "HTTP/1.1 409 Conflict\r\n"+c.answer+"\r\nContent-Length: 0\r\n\r\n")
			var log strings.Builder
			w := newWorld(t, func(cfg *edge.Config) { cfg.Logger = textLog(&log) }, near, serving(t, "home", "ord", hello))
			a := w.do("GET", "/", "")
			wantProblem(t, a, c.status, c.code, c.text)
			r := w.record()
			if r.Code != c.code || r.Status != c.status || r.Problem == "" {
				t.Errorf("record %+v", r)
			}
			if all := fmt.Sprintf("%+v %+v %s", a, r, log.String()); strings.Contains(all, secret) || !strings.Contains(log.String(), c.code) {
				t.Errorf("the state is in %s", all)
			}
		})
	}
}

func TestAnUnknownRegionFailsAtOnce(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=gru;timeout=1h")))
	w.do("GET", "/", "")
	if r := w.record(); r.Duration > time.Second {
		t.Errorf("it took %v", r.Duration)
	}
}

func TestReplaysEnd(t *testing.T) {
	var asked counter
	round := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { asked.Add(1); replays("region="+to)(w, r) }
	}
	w := newWorld(t, nil, serving(t, "near", "ams", round("ord")), serving(t, "far", "ord", round("ams")))
	a := w.do("POST", "/", "body")
	wantProblem(t, a, 508, "PA02", "10 times")
	if n := asked.Load(); n != replay.MaxHops+1 {
		t.Errorf("machines were asked %d times, want once and %d replays", n, replay.MaxHops)
	}
	if r := w.record(); len(r.Hops) != 11 || r.Code != "PA02" {
		t.Errorf("record %+v", r)
	}
}

func TestTenReplaysAreAllowed(t *testing.T) {
	var asked counter
	machine := func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= replay.MaxHops {
			replays("region=ams,ord;elsewhere=true")(w, r)
			return
		}
		hello(w, r)
	}
	w := newWorld(t, nil, serving(t, "near", "ams", machine), serving(t, "far", "ord", machine))
	if a := w.do("GET", "/", ""); a.body != "hello" {
		t.Errorf("got %+v", a)
	}
}

func TestABodyThatWasNotKeptIsNotReplayed(t *testing.T) {
	cases := []struct {
		behaviour string
		announced bool
		change    func(*edge.Config)
	}{
		{"over the limit, announced", true, func(c *edge.Config) { c.BodyLimit = 1 << 10 }},
		{"over the limit, in chunks", false, func(c *edge.Config) { c.BodyLimit = 1 << 10 }},
		{"over the budget", true, func(c *edge.Config) { c.BodyBudget = 1 << 10 }},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body) // or it could be sent again: nothing was read yet
				replays("region=ord")(w, r)
			})
			w := newWorld(t, c.change, near, serving(t, "home", "ord", hello))
			wantProblem(t, w.send(w.request("POST", "/", body(long, c.announced))), 413, "PA01", "larger")
			r := w.record()
			wantWay(t, r, "near")
			if r.Code != "PA01" || r.Status != 413 {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// TestAReplayBeforeTheBodyHasCome sends the body when the target already has the
// head: the first machine's sender is then still waiting for it.
func TestAReplayBeforeTheBodyHasCome(t *testing.T) {
	arrived := make(chan struct{})
	near := says(t, "near", "ams", "HTTP/1.1 409 Conflict\r\nfly-replay: region=ord\r\nContent-Length: 0\r\n\r\n")
	w := newWorld(t, nil, near, serving(t, "home", "ord", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		echo(w, r)
	}))
	pr, pw := io.Pipe()
	go func() {
		<-arrived
		io.WriteString(pw, long)
		pw.Close()
	}()
	if a := w.send(w.request("POST", "/", pr)); a.body != long || a.err != nil {
		t.Errorf("%d bytes came back", len(a.body))
	}
}

func TestWhenMachinesCannotBeReached(t *testing.T) {
	sick := serving(t, "sick", "ams", hello)
	sick.Healthy = false
	slow := func(c *edge.Config) { c.Machines.ConnectTimeout, c.Machines.Dial = time.Millisecond, dialNever }
	one := func(m fleet.Machine) []fleet.Machine { return []fleet.Machine{m} }
	cases := []struct {
		behaviour string
		machines  []fleet.Machine
		change    func(*edge.Config)
		method    string
		status    int
		code      string
		text      string
		way       []machine.ID
	}{
		{"none is healthy", one(sick), nil, "GET", 503, "PR01", "healthy", nil},
		{"there is none at all", nil, nil, "GET", 503, "PR01", "web", nil},
		{"the only one refuses", one(refusing(t, "m", "ams")), nil, "POST", 502, "PC01", "not listening", []machine.ID{"m"}},
		{"all refuse", []fleet.Machine{refusing(t, "m", "ams"), refusing(t, "n", "ord")}, nil, "POST", 503, "PR03", "", []machine.ID{"m", "n"}},
		{"connecting takes too long", one(refusing(t, "m", "ams")), slow, "GET", 504, "PC05", "in time", []machine.ID{"m"}},
		{"it closes", one(says(t, "m", "ams", "")), nil, "POST", 502, "PU02", "may have been carried out", []machine.ID{"m"}},
		{"it resets", one(raw(t, "m", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br); reset(c) })), nil,
			"POST", 502, "PC03", "may have been carried out", []machine.ID{"m"}},
		{"it talks nonsense", one(says(t, "m", "ams", "nonsense\r\n\r\n")), nil, "GET", 502, "PU02", "", []machine.ID{"m"}},
		{"it answers with status 0", one(says(t, "m", "ams", "HTTP/1.1 000 Zero\r\n\r\n")), nil, "GET", 502, "PU02", "", []machine.ID{"m"}},
		{"it switches protocols", one(says(t, "m", "ams", "HTTP/1.1 101 Switching Protocols\r\n\r\n")), nil, "GET", 502, "PU02", "switched", []machine.ID{"m"}},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			w := newWorld(t, c.change, c.machines...)
			a := w.do(c.method, "/", "")
			wantProblem(t, a, c.status, c.code, c.text)
			if (c.status == 503) != (a.header.Get("Retry-After") != "") {
				t.Errorf("Retry-After %q with %d", a.header.Get("Retry-After"), c.status)
			}
			r := w.record()
			wantWay(t, r, c.way...)
			if r.Code != c.code || r.Status != c.status || len(r.Hops) > 0 && r.Last().Problem == "" && r.Last().Status == 0 {
				t.Errorf("record %+v", r)
			}
		})
	}
}

func TestErrorsComeInTheFormThatIsAskedFor(t *testing.T) {
	w := newWorld(t, nil)
	a := w.do("GET", "/", "", "Accept", "text/html, application/json")
	var p struct {
		Title, Detail, Code string
		Status              int
		RequestID           string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %q, %v", a.body, err)
	}
	if p.Code != "PR01" || p.Status != 503 || p.Title == "" || p.Detail == "" || p.RequestID != a.header.Get("Fly-Request-Id") {
		t.Errorf("got %+v", p)
	}
	a = w.do("GET", "/", "", "Accept", "*/*")
	if a.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(a.body, "503") {
		t.Errorf("text: %+v", a)
	}
	head := w.do("HEAD", "/", "", "Accept", "*/*")
	if head.status != 503 || head.body != "" || head.header.Get("Homing-Error") != "PR01" || head.header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %+v", head)
	}
}

func TestAnAnswerThatBreaksOffDoesNotLookWhole(t *testing.T) {
	for behaviour, answer := range map[string]string{
		"announced":             "Content-Length: 9\r\n\r\nhalf",
		"announced and long":    "Content-Length: 99999\r\n\r\n" + long[:50_000],
		"in chunks":             "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"in chunks, mid-number": "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n1",
		"with nothing of it":    "Content-Length: 9\r\n\r\n",
	} {
		t.Run(behaviour, func(t *testing.T) {
			var log strings.Builder
			w := newWorld(t, func(c *edge.Config) { c.Logger = textLog(&log) },
				says(t, "near", "ams", "HTTP/1.1 200 OK\r\n"+answer), serving(t, "far", "ord", hello))
			c := w.dial()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err == nil { // else not even the head came, which is as good
				if _, err = io.ReadAll(resp.Body); err == nil {
					t.Error("it looks whole")
				}
			}
			r := w.record()
			wantWay(t, r, "near")
			if r.Code != "PU02" || r.Last().Problem == "" || !strings.Contains(log.String(), "PU02") {
				t.Errorf("record %+v, log %s", r, log.String())
			}
		})
	}
}

// TestARequestThatMayHaveRunIsNotSentAgain sends a few hundred to a machine that
// breaks its connections at random moments.
func TestARequestThatMayHaveRunIsNotSentAgain(t *testing.T) {
	const requests = 300
	runs := make([]counter, requests)
	moody := func(id machine.ID) fleet.Machine {
		return raw(t, id, "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
			for {
				if rand.IntN(6) == 0 {
					reset(c) // while idle, or before the request is read
					return
				}
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				var nth int
				fmt.Sscanf(r.URL.Path, "/%d", &nth)
				if runs[nth].Add(1); rand.IntN(6) == 0 {
					reset(c)
					return
				}
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return
				}
				switch rand.IntN(6) {
				case 0:
					reset(c)
					return
				case 1:
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le")
					reset(c)
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		})
	}
	w := newWorld(t, nil, moody("m1"), moody("m2"), moody("m3"))
	served := 0
	for i := range requests {
		method := []string{"POST", "PUT", "DELETE", "PATCH"}[i%4]
		a := w.do(method, fmt.Sprintf("/%d", i), "body")
		switch n := runs[i].Load(); {
		case n > 1:
			t.Errorf("%s %d ran %d times", method, i, n)
		case a.status == 200 && n != 1:
			t.Errorf("%s %d was answered and ran %d times", method, i, n)
		}
		if a.status == 200 {
			served++
		}
		w.record()
	}
	if served < requests/10 {
		t.Errorf("only %d of %d were served: the test proves little", served, requests)
	}
}

func TestAGetIsAskedOfAnotherMachine(t *testing.T) {
	breaks := map[string]func(c *net.TCPConn){
		"closed": func(*net.TCPConn) {},
		"reset":  reset,
	}
	for behaviour, end := range breaks {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			t.Run(behaviour+" "+method, func(t *testing.T) {
				near := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) { skipHead(br); end(c) })
				w := newWorld(t, nil, near, serving(t, "far", "ord", hello))
				if a := w.do(method, "/", ""); a.status != 200 {
					t.Errorf("got %+v", a)
				}
				r := w.record()
				wantWay(t, r, "near", "far")
				if r.Hops[0].Problem == "" || r.Hops[0].Status != 0 || r.Code != "" {
					t.Errorf("record %+v", r)
				}
			})
		}
	}
}

func TestAGetIsNotAskedAgain(t *testing.T) {
	half := "HTTP/1.1 200 OK\r\nContent-Le"
	cases := []struct {
		behaviour string
		machines  func(t *testing.T) []fleet.Machine
		way       []machine.ID
	}{
		{"once a byte of the answer came", func(t *testing.T) []fleet.Machine {
			return []fleet.Machine{says(t, "near", "ams", half), serving(t, "far", "ord", hello)}
		}, []machine.ID{"near"}},
		{"once it was replayed", func(t *testing.T) []fleet.Machine {
			return []fleet.Machine{serving(t, "near", "ams", replays("region=ord,gru")), says(t, "far", "ord", ""), serving(t, "more", "gru", hello)}
		}, []machine.ID{"near", "far"}},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			w := newWorld(t, nil, c.machines(t)...)
			wantProblem(t, w.do("GET", "/", ""), 502, "PU02", "was not sent again")
			wantWay(t, w.record(), c.way...)
		})
	}
}

func TestAMachineThatFailedMayBeNamedByALaterReplay(t *testing.T) {
	near := raw(t, "near", "ams", func(nth int, c *net.TCPConn, br *bufio.Reader) {
		if skipHead(br) && nth > 0 {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	w := newWorld(t, nil, near, serving(t, "far", "ord", replays("instance=near")))
	if a := w.do("GET", "/", ""); a.body != "ok" {
		t.Errorf("got %+v", a)
	}
	wantWay(t, w.record(), "near", "far", "near")
}

func TestNothingWrittenMeansAnotherMachineForAnyMethod(t *testing.T) {
	w := newWorld(t, nil, refusing(t, "near", "ams"), serving(t, "far", "ord", echo))
	if a := w.do("POST", "/", "body"); a.status != 200 || a.body != "body" {
		t.Errorf("got %+v", a)
	}
	wantWay(t, w.record(), "near", "far")
}

// TestAGetWhoseBodyWasNotKept fails as the machine did: nobody asked for a replay.
func TestAGetWhoseBodyWasNotKept(t *testing.T) {
	near := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		skipHead(br)
		io.CopyN(io.Discard, br, int64(len(long)))
		reset(c)
	})
	w := newWorld(t, func(c *edge.Config) { c.BodyLimit = 1 << 10 }, near, serving(t, "far", "ord", hello))
	wantProblem(t, w.send(w.request("GET", "/", body(long, true))), 502, "PC03", "")
	wantWay(t, w.record(), "near")
}

func TestAMachineThatClosesIdleConnectionsCostsNoRequest(t *testing.T) {
	near := raw(t, "near", "ams", func(_ int, c *net.TCPConn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	w := newWorld(t, nil, near, serving(t, "far", "ord", hello))
	for range 50 {
		// The close races with the next GET, which may then be asked again of
		// the same machine, on another connection.
		if a := w.do("GET", "/", ""); a.body != "ok" {
			t.Fatalf("got %+v", a)
		}
		for _, id := range way(w.record()) {
			if id != "near" {
				t.Fatal("the machine was passed over because of a kept connection")
			}
		}
	}
}

// TestAGetThatBreaksItsMachineIsAskedOnceMore: each of many kept connections
// would break in the same way.
func TestAGetThatBreaksItsMachineIsAskedOnceMore(t *testing.T) {
	const kept = 8
	var broken counter
	var arrived sync.WaitGroup
	arrived.Add(kept)
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/breaks" {
			broken.Add(1)
			panic(http.ErrAbortHandler)
		}
		arrived.Done()
		arrived.Wait() // so that each has a connection of its own
	})
	w := newWorld(t, nil, near)
	var answered sync.WaitGroup
	for range kept {
		answered.Go(func() {
			if resp, err := w.client.Get("http://" + w.addr); err == nil {
				resp.Body.Close()
			}
		})
	}
	answered.Wait()
	for range kept {
		w.record()
	}
	wantProblem(t, w.do("GET", "/breaks", ""), 502, "PU02", "")
	if n := broken.Load(); n != 2 {
		t.Errorf("it ran %d times; want once on a kept connection and once on a new one", n)
	}
}

func TestManyAtOnceEachGetTheirOwn(t *testing.T) {
	home := serving(t, "home", "ord", echo)
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=ord")), home)
	done := make(chan error)
	for i := range 50 {
		go func() {
			want := strings.Repeat(fmt.Sprint(i), 10_000)
			resp, err := w.client.Post("http://"+w.addr, "text/plain", strings.NewReader(want))
			if err != nil {
				done <- err
				return
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
				done <- fmt.Errorf("%d got %d bytes, %v", i, len(got), err)
				return
			}
			done <- nil
		}()
	}
	for range 50 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
