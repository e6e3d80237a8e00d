package edge_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"homing/edge"
	. "homing/edge/misbehave" // the tables are written in its words
	"homing/fleet"
)

const (
	ok200   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
	chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	inJSON  = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.fly.replay+json\r\n"
)

// TestMisbehavingMachines has a machine do something wrong with a POST, and looks at
// what the client is told, and whether anything is left of it.
func TestMisbehavingMachines(t *testing.T) {
	for name, tc := range map[string]struct {
		does   []Step
		status string // what the client is told; "cut": nothing whole; "leaves": nothing comes, until it goes
		code   string // in the record
		reused bool   // the connection serves the next request
	}{
		"closes at once":                    {[]Step{End()}, "502", "", false},
		"closes instead of an answer":       {[]Step{Head(), Body(5), End()}, "502", "PU02", false},
		"closes without reading the body":   {[]Step{Head(), End()}, "502", "", false},
		"resets":                            {[]Step{Head(), Body(5), Reset()}, "502", "PC03", false},
		"resets within its head":            {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\nCont"), Reset()}, "502", "", false},
		"resets within its body":            {[]Step{Head(), Body(5), Say(ok200 + "o"), Reset()}, "cut", "PU02", false},
		"never reads":                       {[]Step{Hang()}, "leaves", "", false},
		"never answers":                     {[]Step{Head(), Body(5), Rest()}, "leaves", "", false},
		"stops within its head":             {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\nX: "), Rest()}, "leaves", "", false},
		"stops within its body":             {[]Step{Head(), Body(5), Say(ok200 + "o"), Rest()}, "leaves", "", false},
		"closes its half and says nothing":  {[]Step{Head(), Body(5), HalfClose(), Rest()}, "502", "PU02", false},
		"closes its half behind its answer": {[]Step{Head(), Body(5), Say(ok200 + "ok"), HalfClose(), Rest()}, "200", "", false},
		"drips its answer":                  {[]Step{Head(), Body(5), Drip(chunked + "2\r\nok\r\n0\r\n\r\n")}, "200", "", true},
		"answers before it reads":           {[]Step{Say(ok200 + "ok"), Head(), Body(5), End()}, "200", "", false},
		"answers before it reads the body":  {[]Step{Head(), Say(ok200 + "ok"), Body(5), End()}, "200", "", false},
		"announces more than it says":       {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), End()}, "cut", "PU02", false},
		"says more than it announced":       {[]Step{Head(), Body(5), Say(ok200 + "ok, and more")}, "200", "", false},
		"answers twice":                     {[]Step{Head(), Body(5), Say(ok200 + "ok" + ok200 + "no")}, "200", "", false},
		"says two lengths":                  {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!")}, "502", "PU02", false},
		"says a length beside chunks":       {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}, "502", "PU02", false},
		"says a chunk that is none":         {[]Step{Head(), Body(5), Say(chunked + "2\r\nok\r\nzz\r\n"), Rest()}, "cut", "PU02", false},
		"says a chunk larger than numbers":  {[]Step{Head(), Body(5), Say(chunked + "ffffffffffffffffff\r\nok"), Rest()}, "cut", "PU02", false},
		"says a negative chunk":             {[]Step{Head(), Body(5), Say(chunked + "-1\r\nok"), Rest()}, "cut", "PU02", false},
		"frames again in its trailer":       {[]Step{Head(), Body(5), Say(chunked + "2\r\nok\r\n0\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n")}, "cut", "PU02", false},
		"says a megabyte of headers":        {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\n"), Times(1<<14, "X: "+long[:60]+"\r\n"), Say("\r\n")}, "502", "PU02", false},
		"says headers without end":          {[]Step{Head(), Body(5), Say("HTTP/1.1 200 OK\r\nX: "), ForEver("x")}, "502", "PU02", false},
		"says 103 without end":              {[]Step{Head(), Body(5), ForEver("HTTP/1.1 103 Early Hints\r\n\r\n")}, "502", "PU02", false},
		"continues without being asked":     {[]Step{Head(), Body(5), Say("HTTP/1.1 100 Continue\r\n\r\n" + ok200 + "ok")}, "200", "", true},
		"switches protocols unasked":        {[]Step{Head(), Body(5), Say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), Rest()}, "502", "PU02", false},
		"says half a status line":           {[]Step{Head(), Body(5), Say("HTTP/1.1 2"), End()}, "502", "PU02", false},
		"says a status that is none":        {[]Step{Head(), Body(5), Say("HTTP/1.1 20x OK\r\n\r\n")}, "502", "PU02", false},
		"speaks something else":             {[]Step{Head(), Body(5), Say("220 mail.test ESMTP\r\n"), End()}, "502", "PU02", false},
		"speaks TLS":                        {[]Step{Head(), Body(5), Say("\x15\x03\x01\x00\x02\x02\x46"), End()}, "502", "PU02", false},
		"answers 204 with a body":           {[]Step{Head(), Body(5), Say("HTTP/1.1 204 No Content\r\n\r\nbody")}, "204", "", false},
		"breaks off a replay in JSON":       {[]Step{Head(), Body(5), Say(inJSON + "Content-Length: 99\r\n\r\n{\"region\":"), End()}, "502", "PU02", false},
		"replays with too much JSON":        {[]Step{Head(), Body(5), Say(inJSON + "Content-Length: 70000\r\n\r\n"), Times(70000, " "), Rest()}, "502", "PA03", false},
		"replays with JSON without end":     {[]Step{Head(), Body(5), Say(inJSON + "\r\n"), ForEver("{")}, "502", "PA03", false},
		"stops within a replay in JSON":     {[]Step{Head(), Body(5), Say(inJSON + "Content-Length: 99\r\n\r\n{"), Rest()}, "leaves", "", false},
		"replays with a body without end":   {[]Step{Head(), Body(5), Say("HTTP/1.1 409 No\r\nfly-replay: region=lhr\r\n\r\n"), ForEver("x")}, "503", "PR03", false},
	} {
		t.Run(name, func(t *testing.T) {
			LeavesNothing(t)
			m := NewMachine(t, tc.does...)
			f := fleet.New(nil, fleet.Machine{ID: "m", App: "web", Region: "ams", Addr: m.Addr, Healthy: true})
			w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
			c := Dial(t, w.addr)
			c.Do(Say("POST /wrong HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"))
			if tc.status == "leaves" {
				w.eventually("the machine has the request", func() bool { return m.Conns() == 1 })
				c.Close()
			}
			if got := verdictOf(c.Heard()); tc.status != "leaves" && got != tc.status {
				t.Errorf("the client is told %s, want %s: %.300q", got, tc.status, c.Heard())
			}
			r := w.record()
			if (r.Code != tc.code && tc.code != "") || tc.status == "200" && r.Code != "" {
				t.Errorf("recorded as %s, want %s: %s", r.Code, tc.code, r.Problem)
			}
			recovers(w, f, m, tc.reused)
			if !tc.reused && name != "never reads" { // which does not hear of it
				<-m.Gone()
			}
		})
	}
}

// verdictOf is the status of an answer that is whole, and of which nothing is left.
func verdictOf(heard string) string {
	br := bufio.NewReader(strings.NewReader(heard))
	for {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return "cut"
		}
		if resp.StatusCode < 200 {
			continue
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			return "cut"
		}
		if rest, _ := io.ReadAll(br); len(rest) > 0 {
			return "too much"
		}
		return resp.Status[:3]
	}
}

// recovers checks that all is as before: the machine serves the next request, on
// the same connection or another, and nothing is held of the last.
func recovers(w *world, f *fleet.Fleet, m *Machine, reused bool) {
	t := w.t
	t.Helper()
	c := Dial(t, w.addr)
	c.Do(Say("GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
	if got := verdictOf(c.Heard()); got != "200" {
		t.Errorf("the next request got %s: %.300q", got, c.Heard())
	}
	if n := m.Deliveries("/wrong"); n > 1 {
		t.Errorf("the request was delivered %d times", n)
	}
	if m.Deliveries("/next") != 1 || (m.Conns() == 1) != reused {
		t.Errorf("the next was delivered %d times, and %d connections were made", m.Deliveries("/next"), m.Conns())
	}
	holdsNothing(w, f)
}

// holdsNothing checks that nothing is held of any request.
func holdsNothing(w *world, f *fleet.Fleet) {
	w.t.Helper()
	w.eventually("no slot is held", func() bool {
		for _, m := range f.Snapshot().Machines() {
			if m.Load() > 0 || m.Waiting() > 0 {
				return false
			}
		}
		return true
	})
	w.eventually("no client and no body is held", func() bool { return w.server.Clients() == 0 && w.edge.KeptBytes() == 0 })
}
