package edge_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"homing/edge"
	"homing/journey"
)

func BenchmarkEdgeGet(b *testing.B) {
	benchmark(b, newWorld(b, unrecorded, serving(b, "near", "ams", hello)))
}

func BenchmarkEdgeReplay(b *testing.B) {
	near := serving(b, "near", "ams", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Fly-Replay", "region=ord;state=method")
		w.WriteHeader(http.StatusConflict)
	})
	benchmark(b, newWorld(b, unrecorded, near, serving(b, "home", "ord", hello)))
}

func BenchmarkEdgePost(b *testing.B) {
	w := newWorld(b, unrecorded, serving(b, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		hello(w, r)
	}))
	body := strings.NewReader(strings.Repeat("0123456789abcde\n", 64))
	r := w.request("POST", "/", body)
	b.ReportAllocs()
	for b.Loop() {
		body.Seek(0, io.SeekStart)
		resp, err := w.client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

func unrecorded(c *edge.Config) { c.Record = func(*journey.Record) {} }

// benchmark counts the client's and the machines' allocations too: they run in
// this process.
func benchmark(b *testing.B, w *world) {
	r := w.request("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := w.client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
