//go:build linux

package wan_test

import (
	"io"
	"testing"

	"homing/bench/wan"
)

// BenchmarkStream says how much a network carries.
func BenchmarkStream(b *testing.B) {
	for name, change := range map[string]func(*wan.Config){
		"bundles": func(*wan.Config) {},
		"packets": func(c *wan.Config) { c.Rate = 100e9 },
	} {
		b.Run(name, func(b *testing.B) {
			cfg := near()
			change(&cfg)
			near, far := connect(b, newNetwork(b, cfg), "gru", "ord")
			go io.Copy(io.Discard, far)
			chunk := make([]byte, 1<<20)
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				if _, err := near.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRoundTrip says what is added to the delays, of which there are none here.
func BenchmarkRoundTrip(b *testing.B) {
	near, far := connect(b, newNetwork(b, near()), "gru", "ord")
	go io.Copy(far, far)
	one := make([]byte, 1)
	for b.Loop() {
		near.Write(one)
		if _, err := io.ReadFull(near, one); err != nil {
			b.Fatal(err)
		}
	}
}
