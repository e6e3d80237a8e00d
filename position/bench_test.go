package position_test

import (
	"testing"

	"homing/position"
)

// BenchmarkToken is a token as a request brings it and as the answer to a write takes it
// along, with the one secret that most have.
func BenchmarkToken(b *testing.B) {
	keys, err := position.ParseKeys("0123456789abcdef")
	if err != nil {
		b.Fatal(err)
	}
	t := position.Token{Engine: "postgres", Epoch: "7301234567890123456:3", Position: "0/3000060"}
	text, err := keys.Seal(t)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := keys.Open(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := keys.Seal(t); err != nil {
				b.Fatal(err)
			}
		}
	})
}
