package forward_test

import (
	"io"
	"testing"

	"homing/forward"
)

func BenchmarkForwardGet(b *testing.B) {
	m := answers(b, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
	p := newPool(b, forward.Config{})
	req := request("GET")
	b.ReportAllocs()
	for b.Loop() {
		resp, err := p.Do(b.Context(), m.addr, req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	p.Close() // else the machine waits for a next request
}
