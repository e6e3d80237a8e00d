package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"homing/wire"
)

func TestAppendRequestHead(t *testing.T) {
	req := &wire.Request{
		Method: "POST", Target: "/x?y", Host: "a:80", Length: wire.Chunked, Expect: true, Close: true, Upgrade: "websocket",
		Header: wire.Header{
			{"Accept", "*/*"}, {"hOST", "b"}, {"Content-Length", "5"}, {"content_length", "5"}, {"Transfer-encoding", "x"},
			{"Connection", "x"}, {"upgrade", "y"}, {"expect", "z"}, {"accept", ""},
		},
	}
	got, err := wire.AppendRequestHead([]byte("before "), req)
	const want = "before POST /x?y HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n" +
		"Connection: close, upgrade\r\nUpgrade: websocket\r\nAccept: */*\r\naccept: \r\n\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestTheLengthOfNothing(t *testing.T) {
	for method, want := range map[string]bool{"GET": false, "DELETE": false, "POST": true, "PUT": true, "PATCH": true} {
		got, err := wire.AppendRequestHead(nil, &wire.Request{Method: method, Target: "/", Host: "a"})
		if err != nil || strings.Contains(string(got), "Content-Length: 0\r\n") != want {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestRequestsThatAreNotWritten(t *testing.T) {
	for name, spoil := range map[string]func(*wire.Request){
		"a method with a blank":       func(r *wire.Request) { r.Method = "GET /" },
		"no method":                   func(r *wire.Request) { r.Method = "" },
		"CONNECT":                     func(r *wire.Request) { r.Method, r.Target = "CONNECT", "a:443" },
		"a target with a blank":       func(r *wire.Request) { r.Target = "/ HTTP/1.1" },
		"a target with a line":        func(r *wire.Request) { r.Target = "/\r\nX: y" },
		"no target":                   func(r *wire.Request) { r.Target = "" },
		"an absolute target":          func(r *wire.Request) { r.Target = "http://a/" },
		"* with GET":                  func(r *wire.Request) { r.Target = "*" },
		"a host with a line":          func(r *wire.Request) { r.Host = "a\r\nX: y" },
		"a length below the unknown":  func(r *wire.Request) { r.Length = -2 },
		"an upgrade with a line":      func(r *wire.Request) { r.Upgrade = "x\r\ny" },
		"a name with a colon":         func(r *wire.Request) { r.Header.Add("X:", "y") },
		"no name":                     func(r *wire.Request) { r.Header.Add("", "y") },
		"a value with a CR":           func(r *wire.Request) { r.Header.Add("X", "y\r") },
		"a value with an LF":          func(r *wire.Request) { r.Header.Add("X", "y\nZ: a") },
		"a value with a NUL":          func(r *wire.Request) { r.Header.Add("X", "y\x00") },
		"a trailer that may not come": func(r *wire.Request) { r.Header.Add("Trailer", "host") },
	} {
		req := &wire.Request{Method: "GET", Target: "/", Host: "a"}
		spoil(req)
		if got, err := wire.AppendRequestHead([]byte("before"), req); err == nil || string(got) != "before" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestAppendResponseHead(t *testing.T) {
	for name, tt := range map[string]struct {
		resp wire.Response
		want string // "": refused
	}{
		"a length":          {wire.Response{Status: 200, Reason: "OK", Length: 5}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
		"chunks":            {wire.Response{Status: 200, Length: wire.Chunked}, "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"},
		"until close":       {wire.Response{Status: 200, Length: wire.UntilClose, Close: true}, "HTTP/1.1 200 \r\nConnection: close\r\n\r\n"},
		"204":               {wire.Response{Status: 204}, "HTTP/1.1 204 \r\n\r\n"},
		"304":               {wire.Response{Status: 304, Length: 5}, "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n"},
		"103 that closes":   {wire.Response{Status: 103, Close: true}, "HTTP/1.1 103 \r\n\r\n"},
		"101":               {wire.Response{Status: 101, Upgrade: "x", Close: true}, "HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"},
		"426":               {wire.Response{Status: 426, Upgrade: "x"}, "HTTP/1.1 426 \r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"},
		"204 with a body":   {wire.Response{Status: 204, Length: 5}, ""},
		"no status":         {wire.Response{}, ""},
		"a status of four":  {wire.Response{Status: 1000}, ""},
		"a reason's line":   {wire.Response{Status: 200, Reason: "OK\r\nX: y"}, ""},
		"an upgrade's line": {wire.Response{Status: 101, Upgrade: "x\r\ny"}, ""},
		"a value's line":    {wire.Response{Status: 200, Header: wire.Header{{"X", "\n"}}}, ""},
	} {
		got, err := wire.AppendResponseHead([]byte("before "), &tt.resp)
		if string(got) != "before "+tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
}

func TestChunkWriter(t *testing.T) {
	var out bytes.Buffer
	w := wire.NewChunkWriter(&out)
	for _, part := range []string{"hello", "", strings.Repeat("x", 18)} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("wrote %d of %q, %v", n, part, err)
		}
	}
	w.Trailer.Add("X", "y")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := "5\r\nhello\r\n12\r\n" + strings.Repeat("x", 18) + "\r\n0\r\nX: y\r\n\r\n"
	if out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
	if _, err := w.Write([]byte("more")); err == nil || out.String() != want {
		t.Error("more was written behind the end")
	}
}

func TestATrailerThatIsNotWritten(t *testing.T) {
	for _, f := range []wire.Field{{"Host", "a"}, {"content-length", "5"}, {"X", "y\r\nZ: a"}, {"", "y"}} {
		var out bytes.Buffer
		w := wire.NewChunkWriter(&out)
		w.Trailer = wire.Header{{"A", "b"}, f}
		if err := w.Close(); err == nil || out.Len() > 0 {
			t.Errorf("%q: %q was written, %v", f, &out, err)
		}
	}
}
