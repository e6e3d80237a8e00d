package sidecar_test

import (
	"io"
	"net/http"
	"testing"

	"homing/machine"
)

// BenchmarkHop is what a GET of a small page costs, with and without the sidecar.
func BenchmarkHop(b *testing.B) {
	app := serving(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	through := newApp(b, app.Listener.Addr().String())
	for name, url := range map[string]string{
		"to the app": app.URL,
		"through":    serving(b, through).URL,
		"deciding":   serving(b, newSite(b, "gru", newDB(machine.Replica, "5")).Handler(through)).URL,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				res, err := http.Get(url)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}
