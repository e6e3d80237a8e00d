package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"homing/journey"
	"homing/machine"
)

// seen is what a client got.
type seen struct {
	early   []string // "103 Name: value"
	status  int
	header  http.Header // with what framed the answer
	body    string
	trailer http.Header
	cut     bool // the answer did not end as it should
	closed  bool // so did the connection, behind it
}

// readSeen reads an answer, and what a tunnel brings behind a 101.
func readSeen(c *net.TCPConn, br *bufio.Reader, method string) *seen {
	s := new(seen)
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			s.cut = true
			return s
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			var fields strings.Builder
			_ = resp.Header.Write(&fields) // a Builder takes all
			s.early = append(s.early, fmt.Sprint(resp.StatusCode, " ", fields.String()))
			continue
		}
		s.take(resp, c, br)
		return s
	}
}

func (s *seen) take(resp *http.Response, c *net.TCPConn, br *bufio.Reader) {
	s.status, s.header = resp.StatusCode, resp.Header
	if len(resp.TransferEncoding) > 0 {
		s.header.Set("Transfer-Encoding", strings.Join(resp.TransferEncoding, ", "))
	}
	var from io.Reader = resp.Body
	if resp.StatusCode == http.StatusSwitchingProtocols {
		c.CloseWrite() // not before: who closes its half early passes for gone
		from = br
	}
	body, err := io.ReadAll(from)
	s.body, s.trailer, s.cut = string(body), resp.Trailer, err != nil
	if resp.Close {
		s.header.Set("Connection", "close")
		_, err := br.ReadByte()
		s.closed = err == io.EOF
	}
}

// outcome is what came of one request.
type outcome struct {
	scene  *scene
	client *seen
	record *journey.Record
}

// checks say what is wrong with an outcome, by the keys of a case; nothing if it
// is as wanted.
var checks = map[string]func(o *outcome, want string) string{
	"hops": func(o *outcome, want string) string {
		var ids []string
		for _, id := range way(o.record) {
			ids = append(ids, string(id))
		}
		return unlike(want, strings.Join(ids, " "))
	},
	"status": func(o *outcome, want string) string { return unlike(want, strconv.Itoa(o.client.status)) },
	"code": func(o *outcome, want string) string {
		if o.record.Code != o.client.header.Get("Homing-Error") {
			return "the record says " + o.record.Code
		}
		return unlike(want, o.record.Code)
	},
	"recorded": func(o *outcome, want string) string { return unlike(want, o.record.Code) },
	"header":   func(o *outcome, want string) string { return lacks(o.client.header, want) },
	"trailer":  func(o *outcome, want string) string { return lacks(o.client.trailer, want) },
	"body":     func(o *outcome, want string) string { return unlike(want, o.client.body) },
	"without":  func(o *outcome, want string) string { return holds(o.client.header, want+": *") },
	"early": func(o *outcome, want string) string {
		for _, got := range o.client.early {
			if matches(want, strings.TrimSpace(strings.ReplaceAll(got, "\r\n", " "))) {
				return ""
			}
		}
		return fmt.Sprintf("got %q", o.client.early)
	},
	"cut":      func(o *outcome, want string) string { return unlike(want, yes(o.client.cut)) },
	"closed":   func(o *outcome, want string) string { return unlike(want, yes(o.client.closed)) },
	"received": received,
	"missed":   missed,
	"hidden":   hidden,
}

// received checks what a machine got: "b POST /path", `b "body"` or "b Name: value".
func received(o *outcome, want string) string {
	d, want := o.delivered(want)
	switch {
	case d == nil:
		return "it got no request"
	case strings.HasPrefix(want, `"`):
		return unlike(want, strconv.Quote(d.body))
	case strings.Contains(want, ": "):
		return lacks(d.header, want)
	default:
		return unlike(want, d.first)
	}
}

// missed checks that a machine got its request without a field: "b Name", or
// "b Name: value" for one that may have other values.
func missed(o *outcome, want string) string {
	d, field := o.delivered(want)
	if d == nil {
		return "it got no request"
	}
	if !strings.Contains(field, ":") {
		field += ": *"
	}
	return holds(d.header, field)
}

func (o *outcome) delivered(want string) (*delivery, string) {
	id, rest, _ := strings.Cut(want, " ")
	a := o.scene.actors[machine.ID(id)]
	if a == nil {
		o.scene.t.Fatalf("%s: no machine is called %q", o.scene.c.Where, id)
	}
	return a.last(), rest
}

// hidden checks that a text reached neither the client nor the record and the log.
func hidden(o *outcome, want string) string {
	if all := fmt.Sprintf("%+v %+v %s", *o.client, *o.record, o.scene.log); strings.Contains(all, want) {
		return "it is in " + all
	}
	return ""
}

func unlike(want, got string) string {
	if matches(want, got) {
		return ""
	}
	return "got " + got
}

func lacks(h http.Header, field string) string {
	if got, ok := fieldMatches(h, field); !ok {
		return fmt.Sprintf("got %q in %v", got, h)
	}
	return ""
}

func holds(h http.Header, field string) string {
	if got, ok := fieldMatches(h, field); ok {
		return fmt.Sprintf("got %q", got)
	}
	return ""
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
