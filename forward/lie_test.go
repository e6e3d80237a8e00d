package forward_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"homing/forward"
	"homing/wire"
)

// lie is an answer that must not be accepted.
type lie struct {
	name, method string
	answer       string
	cut          bool // it ends with the connection
	late         bool // its head is in order
}

// lies returns the answers of wire's corpus that are refused; README.md beside it
// explains the file.
func lies(t *testing.T) (refused []lie) {
	text, err := os.ReadFile("../wire/testdata/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq("\n"+string(text), "\n== ") {
		l := lie{method: "GET"}
		want := ""
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if rest, ok := strings.CutPrefix(key, "in"); ok && value != "" {
				times, err := strconv.Atoi(strings.TrimPrefix(rest, " x"))
				if err != nil {
					times = 1
				}
				part, _ := strconv.Unquote(value)
				l.answer += strings.Repeat(part, times)
			}
			switch key {
			case "method":
				l.method = value
			case "want":
				want = value
			}
		}
		l.name, _, _ = strings.Cut(block, "\n")
		l.cut = strings.Contains(l.name, "breaks off")
		l.late = strings.HasPrefix(want, "body ")
		if l.late || strings.HasPrefix(want, "head ") {
			refused = append(refused, l)
		}
	}
	return refused
}

// checkLie has a machine tell the lie twice, and checks what came of each.
func checkLie(t *testing.T, l lie, secret string) {
	leavesNothing(t)
	m := newRaw(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		for skipHead(br) {
			io.WriteString(c, l.answer)
			if l.cut {
				return
			}
		}
	})
	p := newPool(t, forward.Config{})
	for range 2 {
		resp, err := p.Do(t.Context(), m.addr, request(l.method))
		if late := err == nil; late != l.late {
			t.Fatalf("the head brought %v", err)
		}
		if l.late {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		} else if fail := new(forward.Error); !errors.As(err, &fail) || fail.Op != "answer" || !fail.Sent || !fail.Answered {
			t.Errorf("got %#v", err)
		}
		if err == nil {
			t.Fatal("it was believed")
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q quotes the answer", err)
		}
	}
	if n := m.conns(); n != 2 {
		t.Errorf("%d connections for 2 exchanges, want 2", n)
	}
	p.Close()
}

func TestALyingMachineIsNotBelieved(t *testing.T) {
	all := lies(t)
	if len(all) < 25 {
		t.Fatalf("only %d lies were found", len(all))
	}
	for _, l := range all {
		t.Run(l.name, func(t *testing.T) {
			l.answer = strings.Replace(l.answer, "\r\n", "\r\nSet-Cookie: s3cret\r\n", 1)
			checkLie(t, l, "s3cret")
		})
	}
}

// TestALieIsNotQuoted has the secret where the answer is wrong.
func TestALieIsNotQuoted(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	for _, l := range []lie{
		{name: "a length that is none", answer: "HTTP/1.1 200 OK\r\nContent-Length: s3cret\r\n\r\n"},
		{name: "two lengths", answer: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: s3cret\r\n\r\n"},
		{name: "a length beside chunks", answer: chunked + "Content-Length: s3cret\r\n\r\n"},
		{name: "a bare LF", answer: "HTTP/1.1 200 OK\r\nX: s3cret\nContent-Length: 0\r\n\r\n"},
		{name: "a folded line", answer: "HTTP/1.1 200 OK\r\nX: a\r\n s3cret\r\nContent-Length: 0\r\n\r\n"},
		{name: "too many fields", answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: s3cret\r\n", 201) + "\r\n"},
		{name: "a line that is no field", answer: "HTTP/1.1 200 OK\r\ns3cret\r\n\r\n"},
		{name: "a status that is none", answer: "HTTP/1.1 s3cret\r\n\r\n"},
		{name: "another protocol", answer: "s3cret\r\n\r\n"},
		{name: "an unknown coding", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: s3cret\r\n\r\n"},
		{name: "a bad chunk", answer: chunked + "\r\ns3cret\r\n", late: true},
		{name: "a chunk that is longer than its size", answer: chunked + "\r\n1\r\ns3cret\r\n", late: true},
		{name: "a trailer that is none", answer: chunked + "\r\n0\r\ns3cret\r\n\r\n", late: true},
	} {
		t.Run(l.name, func(t *testing.T) {
			l.method = "GET"
			checkLie(t, l, "s3cret")
		})
	}
}

func TestAnAnswerMayHave200Fields(t *testing.T) {
	leavesNothing(t)
	p := newPool(t, forward.Config{})
	m := answers(t, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"+strings.Repeat("x-many: y\r\n", 199)+"\r\nok")
	resp, body := get(t, p, m.addr, request("GET"))
	if n := resp.Header.Count("X-Many"); n != 199 || body != "ok" || resp.Header.Get("Content-Length") != "2" {
		t.Errorf("%d fields came, and %q", n, body)
	}
	p.Close()
}

func TestARequestThatWouldSayMoreThanItIsNeverLeaves(t *testing.T) {
	cases := map[string]func(*forward.Request){
		"CRLF in a value": func(r *forward.Request) { r.Header.Set("X", "a\r\nFly-Region: s3cret") },
		"CR in a value":   func(r *forward.Request) { r.Header.Set("X", "a\rs3cret") },
		"LF in a value":   func(r *forward.Request) { r.Header.Set("X", "a\ns3cret") },
		"NUL in a value":  func(r *forward.Request) { r.Header.Set("X", "a\x00s3cret") },
		"LF in a second value": func(r *forward.Request) {
			r.Header = wire.Header{{Name: "X", Value: "a"}, {Name: "X", Value: "b\ns3cret"}}
		},
		"LF in the protocols to switch to": func(r *forward.Request) {
			r.Header = wire.Header{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "a\ns3cret"}}
		},
		"CRLF in a name":       func(r *forward.Request) { r.Header.Add("X: a\r\ns3cret", "b") },
		"a name that is empty": func(r *forward.Request) { r.Header.Add("", "s3cret") },
		"a blank in the target": func(r *forward.Request) {
			r.Target = "/ HTTP/1.1\r\nX: s3cret"
		},
		"LF in the host":        func(r *forward.Request) { r.Host = "app.test\ns3cret" },
		"a blank in the method": func(r *forward.Request) { r.Method = "GET /s3cret" },
	}
	for behaviour, spoil := range cases {
		t.Run(behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			p := newPool(t, forward.Config{})
			req := request("GET")
			req.Header = nil
			spoil(req)
			_, err := p.Do(t.Context(), m.addr, req)
			checkError(t, err, forward.Error{Op: "send", Addr: m.addr, Err: forward.ErrUnwritable}, "")
			if n := m.conns(); n != 0 {
				t.Errorf("%d connections were opened", n)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%q quotes the request", err)
			}
		})
	}
}
