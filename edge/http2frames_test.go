package edge_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frameClient is a client that writes HTTP/2 by hand.
type frameClient struct {
	*http2.Framer
	t    *testing.T
	next uint32 // stream
}

func newFrameClient(t *testing.T, addr string) *frameClient {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return framesOn(t, c)
}

func framesOn(t *testing.T, c net.Conn) *frameClient {
	c.Write([]byte(http2.ClientPreface))
	f := &frameClient{Framer: http2.NewFramer(c, c), t: t, next: 1}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.WriteSettings()
	return f
}

// heads are the fields of a request; more are added as name, value.
func heads(method, path, authority string, more ...string) []string {
	h := []string{":method", method, ":scheme", "http", ":path", path}
	if authority != "" {
		h = append(h, ":authority", authority)
	}
	return append(h, more...)
}

// ask sends a request and returns the status of the answer, or how the stream was
// reset. parts are its body, if there are any.
func (f *frameClient) ask(fields []string, parts ...string) string {
	f.t.Helper()
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] != "" || fields[i][0] != ':' {
			e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
	}
	id := f.next
	f.next += 2
	block := b.Bytes()
	n := min(len(block), 16<<10)
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:n], EndHeaders: n == len(block), EndStream: len(parts) == 0})
	for block = block[n:]; len(block) > 0; block = block[n:] {
		n = min(len(block), 16<<10)
		f.WriteContinuation(id, n == len(block), block[:n])
	}
	for i, part := range parts {
		f.WriteData(id, i == len(parts)-1, []byte(part))
	}
	return f.answer(id)
}

func (f *frameClient) answer(id uint32) string {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return err.Error()
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if frame.StreamID == id && frame.PseudoValue("status") != "" {
				return frame.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == id {
				return frame.ErrCode.String()
			}
		case *http2.GoAwayFrame:
			return "GOAWAY " + frame.ErrCode.String()
		}
	}
}

func TestHTTP2WhatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	var served counter
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil && r.URL.Path != "/fine" {
			served.Add(1)
		}
	}))
	many := make([]string, 0, 500)
	for i := range 250 {
		many = append(many, fmt.Sprintf("x-%d", i), "")
	}
	const reset = "PROTOCOL_ERROR"  // by net/http: nobody can read that in any way
	const either = "400 or a reset" // by us, and since Go 1.27 by net/http
	for name, tc := range map[string]struct {
		fields []string
		body   []string
		want   string
	}{
		"no authority":                  {heads("GET", "/", ""), nil, "400"},
		"an authority with a user":      {heads("GET", "/", "u:p@app.test"), nil, reset},
		"an authority with a blank":     {heads("GET", "/", "app.test other.test"), nil, "400"},
		"an authority with a path":      {heads("GET", "/", "app.test/other"), nil, "400"},
		"an authority with two ports":   {heads("GET", "/", "app.test:80:81"), nil, "400"},
		"another host":                  {heads("GET", "/", "app.test", "host", "other.test"), nil, "400"},
		"two hosts":                     {heads("GET", "/", "", "host", "app.test", "host", "other.test"), nil, "400"},
		"no path":                       {heads("GET", "", "app.test"), nil, reset},
		"a path that is none":           {heads("GET", "x", "app.test"), nil, reset},
		"a whole URL":                   {heads("GET", "http://other.test/", "app.test"), nil, either},
		"another's asterisk":            {heads("GET", "*", "app.test"), nil, "400"},
		"a path with a request in it":   {heads("GET", "/ HTTP/1.1\r\nHost: other.test\r\n\r\n", "app.test"), nil, reset},
		"a path with a blank":           {heads("GET", "/a b", "app.test"), nil, "400"},
		"a path with a fragment":        {heads("GET", "/a#b", "app.test"), nil, "400"},
		"a path that is badly encoded":  {heads("GET", "/%zz", "app.test"), nil, reset},
		"a method with a blank":         {heads("GET /x", "/", "app.test"), nil, "400"},
		"CONNECT":                       {[]string{":method", "CONNECT", ":authority", "app.test:443"}, nil, "400"},
		"CONNECT for a protocol":        {heads("CONNECT", "/", "app.test", ":protocol", "websocket"), nil, reset},
		"a scheme of its own":           {[]string{":method", "GET", ":scheme", "ftp", ":path", "/", ":authority", "app.test"}, nil, reset},
		"a value with a line feed":      {heads("GET", "/", "app.test", "a", "b\nc: d"), nil, reset},
		"a value with a NUL":            {heads("GET", "/", "app.test", "a", "\x00"), nil, reset},
		"a name in upper case":          {heads("GET", "/", "app.test", "Ab", "c"), nil, reset},
		"a name with a colon":           {heads("GET", "/", "app.test", "a:b", "c"), nil, reset},
		"a hop's field":                 {heads("GET", "/", "app.test", "connection", "close"), nil, "400"},
		"a coding":                      {heads("POST", "/", "app.test", "transfer-encoding", "chunked"), []string{"x"}, "400"},
		"a coding in disguise":          {heads("POST", "/", "app.test", "transfer_encoding", "chunked"), []string{"x"}, "400"},
		"a length that is short":        {heads("POST", "/", "app.test", "content-length", "1"), []string{"xyz"}, reset},
		"a length that is long":         {heads("POST", "/", "app.test", "content-length", "5"), []string{"xyz"}, reset},
		"a length of nothing":           {heads("GET", "/", "app.test", "content-length", "5"), nil, either},
		"two lengths":                   {heads("POST", "/", "app.test", "content-length", "3", "content-length", "4"), []string{"xyz"}, either},
		"a length that is no number":    {heads("POST", "/", "app.test", "content-length", "+3"), []string{""}, "400"},
		"too many fields":               {heads("GET", "/", "app.test", many...), nil, "431"},
		"too large a head":              {heads("GET", "/", "app.test", "a", long[:40<<10], "b", long[:40<<10]), nil, "431"},
		"the path's name in the header": {heads("GET", "/", "app.test", ":path", "/other"), nil, reset},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFrameClient(t, w.addr)
			if got := f.ask(tc.fields, tc.body...); got != tc.want && !(tc.want == reset && got == "400") && !(tc.want == either && (got == "400" || got == reset)) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if got := f.ask(heads("GET", "/fine", "app.test")); got != "200" && !strings.HasPrefix(got, "GOAWAY") {
				t.Errorf("then a good one got %s", got)
			}
		})
	}
	if n := served.Load(); n > 0 {
		t.Errorf("a machine was brought %d of them", n)
	}
}

func TestHTTP2AnUnreadBodyCostsOnlyItsStream(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex() // or net/http would wait for the body
		hello(w, r)
	}))
	f := newFrameClient(t, w.addr)
	if got := f.ask(heads("GET", "/", "app.test")); got != "200" {
		t.Fatalf("got %s", got)
	}
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "app.test"}} {
		e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: b.Bytes(), EndHeaders: true})
	if got := f.answer(3); got != "200" {
		t.Errorf("while its body is still to come, a request got %s", got)
	}
	f.next = 5
	for range 2 { // GOAWAY would stand before the second answer
		if got := f.ask(heads("GET", "/", "app.test")); got != "200" {
			t.Errorf("then a request got %s", got)
		}
	}
}

func TestHTTP2ASchemeDoesNotHideTLS(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-Proto") != "https" || r.Header.Get("X-Forwarded-Ssl") != "on" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	w.overTLS()
	c, err := tls.Dial("tcp", w.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if got := framesOn(t, c).ask(heads("GET", "/", "app.test")); got != "200" { // heads says http
		t.Errorf("got %s", got)
	}
}

func TestHTTP2WhatIsOnlyUnusualIsServed(t *testing.T) {
	w := newWorld(t, nil, serving(t, "near", "ams", hello))
	f := newFrameClient(t, w.addr)
	for name, fields := range map[string][]string{
		"the host alone":       heads("GET", "/", "", "host", "app.test"),
		"the host twice":       heads("GET", "/", "app.test:80", "host", "APP.test:80"),
		"an IPv6 address":      heads("GET", "/", "[::1]:80"),
		"bytes of UTF-8":       heads("GET", "/caf\xc3\xa9|{}?%zz", "app.test"),
		"two slashes":          heads("GET", "//other.test/x", "app.test"),
		"an asterisk":          heads("OPTIONS", "*", "app.test"),
		"a length of zero":     heads("POST", "/", "app.test", "content-length", "0"),
		"a large head":         heads("GET", "/", "app.test", "a", long[:60<<10]),
		"a field of other use": heads("GET", "/", "app.test", "priority", "u=1", "te", "trailers"),
	} {
		if got := f.ask(fields); got != "200" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
