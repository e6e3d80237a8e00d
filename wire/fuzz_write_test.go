package wire_test

import (
	"bytes"
	"io"
	"reflect"
	"testing"

	"homing/wire"
)

// FuzzWriteRequest: what can be written is read as what it was, and nothing
// stands behind it.
func FuzzWriteRequest(f *testing.F) {
	f.Add("GET", "/", "a", "X", "y", "", []byte(nil), 0, false)
	f.Add("POST", "/x?y", "a:80", "X-Y", "a, b", "Sum", []byte("hello, you all"), 3, true)
	f.Add("POST", "/ HTTP/1.1\r\nX: y", "a\r\nX: y", "X:", "y\r\nZ: a", "A\nB", []byte("0\r\n\r\n"), 1, true)
	f.Add("OPTIONS", "*", "", "Host", "b", "Host", []byte("x"), 1, false)
	f.Fuzz(func(t *testing.T, method, target, host, name, value, trailer string, body []byte, piece int, chunked bool) {
		req := &wire.Request{Method: method, Target: target, Host: host, Length: int64(len(body)), Upgrade: trailer}
		if chunked {
			req.Length, req.Upgrade = wire.Chunked, ""
		}
		req.Header.Add(name, value)
		before := []byte("before")
		b, err := wire.AppendRequestHead(before, req)
		if err != nil {
			if !bytes.Equal(b, before) {
				t.Errorf("an error, and %q", b)
			}
			return
		}
		var out bytes.Buffer
		out.Write(b[len(before):])
		if !write(&out, body, piece, chunked, wire.Header{{trailer, value}}) {
			return
		}
		if host != "" { // else it is for a machine, which may be lenient
			readBack(t, req, out.Bytes(), body)
		}
	})
}

// write writes a body in pieces. It reports false if the trailer is refused.
func write(out *bytes.Buffer, body []byte, piece int, chunked bool, trailer wire.Header) bool {
	if !chunked {
		out.Write(body)
		return true
	}
	w := wire.NewChunkWriter(out)
	for rest := body; len(rest) > 0; {
		n := min(max(piece, 1), len(rest))
		w.Write(rest[:n])
		rest = rest[n:]
	}
	if trailer[0].Name != "" {
		w.Trailer = trailer
	}
	return w.Close() == nil
}

func readBack(t *testing.T, req *wire.Request, wrote, body []byte) {
	r := wire.NewReader(bytes.NewReader(wrote), wire.Limits{Head: 1 << 30})
	got, err := r.ReadRequest()
	if err != nil {
		t.Fatalf("%q is refused: %v", wrote, err)
	}
	if got.Method != req.Method || got.Target != req.Target || got.Host != req.Host || got.Length != req.Length {
		t.Errorf("%q is read as %+v", wrote, got)
	}
	read, err := io.ReadAll(r.Body())
	if err != nil || !bytes.Equal(read, body) {
		t.Errorf("%q: the body is read as %q, %v", wrote, read, err)
	}
	if _, err := r.ReadRequest(); err != io.EOF {
		t.Errorf("%q: something is read behind it, %v", wrote, err)
	}
	known := wire.Header{{"Host", ""}, {"Content-Length", ""}, {"Transfer-Encoding", ""}, {"Connection", ""}, {"Upgrade", ""}, {"Expect", ""}}
	got.Header.DelFunc(func(f wire.Field) bool { return known.Has(f.Name) })
	want := req.Header.Clone()
	want.DelFunc(func(f wire.Field) bool {
		return known.Has(f.Name) || wire.Header{{"Content_Length", ""}, {"Transfer_Encoding", ""}}.Has(f.Name)
	})
	for i := range want {
		want[i].Value = string(bytes.Trim([]byte(want[i].Value), " \t"))
	}
	if len(got.Header)+len(want) > 0 && !reflect.DeepEqual(got.Header, want) {
		t.Errorf("%q: the header is read as %q, want %q", wrote, got.Header, want)
	}
}

// FuzzWriteResponse does for answers what FuzzWriteRequest does for requests.
func FuzzWriteResponse(f *testing.F) {
	f.Add(200, "OK", "X", "y", []byte("hello"), 2, true)
	f.Add(204, "", "X", "y", []byte(nil), 0, false)
	f.Add(200, "OK\r\nX: y", "X\n", "y\r", []byte("hello"), 2, false)
	f.Add(101, "Up", "X", "y", []byte(nil), 0, false)
	f.Fuzz(func(t *testing.T, status int, reason, name, value string, body []byte, piece int, chunked bool) {
		resp := &wire.Response{Status: status, Reason: reason, Length: int64(len(body))}
		if chunked {
			resp.Length = wire.Chunked
		}
		resp.Header.Add(name, value)
		b, err := wire.AppendResponseHead(nil, resp)
		if err != nil || status == 304 {
			return
		}
		out := bytes.NewBuffer(b)
		write(out, body, piece, chunked, wire.Header{{"", ""}})
		r := wire.NewReader(bytes.NewReader(out.Bytes()), wire.Limits{Head: 1 << 30})
		got, err := r.ReadResponse("GET")
		if err != nil {
			t.Fatalf("%q is refused: %v", out, err)
		}
		if got.Status != status || got.Reason != reason || got.Length != resp.Length || got.Close != (status == 101) {
			t.Errorf("%q is read as %+v", out, got)
		}
		if read, err := io.ReadAll(r.Body()); err != nil || !bytes.Equal(read, body) {
			t.Errorf("%q: the body is read as %q, %v", out, read, err)
		}
		if _, err := r.ReadResponse("GET"); err != io.EOF {
			t.Errorf("%q: something is read behind it, %v", out, err)
		}
	})
}
