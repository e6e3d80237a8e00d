package wire_test

import (
	"io"
	"testing"

	"homing/wire"
)

// again gives the same bytes for ever, as many messages at once as fit.
type again struct {
	in string
	at int
}

func (a *again) Read(p []byte) (int, error) {
	n := copy(p, a.in[a.at:])
	a.at = (a.at + n) % len(a.in)
	return n, nil
}

func BenchmarkReadRequest(b *testing.B) {
	const in = "GET /articles/42?page=2 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: de,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n" +
		"Connection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
	r := wire.NewReader(&again{in: in}, wire.Limits{})
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadRequest(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadResponse(b *testing.B) {
	const in = "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n" +
		"Cache-Control: private\r\nEtag: \"0123456789\"\r\nContent-Length: 0\r\n\r\n"
	r := wire.NewReader(&again{in: in}, wire.Limits{})
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadResponse("GET"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadChunks(b *testing.B) {
	in := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for range 64 {
		in += "400\r\n" + string(make([]byte, 0x400)) + "\r\n"
	}
	in += "0\r\n\r\n"
	r := wire.NewReader(&again{in: in}, wire.Limits{})
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadResponse("GET"); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Body().Read(buf); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkAppendRequestHead(b *testing.B) {
	req := &wire.Request{Method: "GET", Target: "/articles/42?page=2", Host: "example.com", Header: wire.Header{
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}, {"Accept", "text/html"}, {"Cookie", "session=0123456789abcdef"},
	}}
	buf := make([]byte, 0, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.AppendRequestHead(buf, req); err != nil {
			b.Fatal(err)
		}
	}
}
