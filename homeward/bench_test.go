package homeward_test

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkSend is one GET that is sent home, with the client and both servers on
// this machine.
func BenchmarkSend(b *testing.B) {
	answer := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }
	for name, h := range map[string]http.HandlerFunc{
		"answered here": answer,
		"sent home":     sending(newWay(b, serving(b, answer).URL)),
	} {
		b.Run(name, func(b *testing.B) {
			srv := serving(b, h)
			b.ReportAllocs()
			for b.Loop() {
				res, err := srv.Client().Get(srv.URL)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

// BenchmarkStamp is signing a request and believing it.
func BenchmarkStamp(b *testing.B) {
	ks, r := keys(b, secretA), request("GET", "app.test", "/a?b=c")
	b.ReportAllocs()
	for b.Loop() {
		stamped(r, stamp.Sign(ks, r))
	}
}
