package replay_test

import (
	"testing"
	"time"

	"homing/replay"
)

func BenchmarkFields(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var f replay.Fields
		f.Add("Content-Type", "text/plain")
		f.Add("Content-Length", "0")
		f.Add("Fly-Replay", "region=ord;state=method")
		if _, err := f.Read(nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSource(b *testing.B) {
	src := replay.Source{Instance: "3d8d9014", Region: "ord", At: time.UnixMicro(1_790_000_000_123_456), State: "method"}
	b.ReportAllocs()
	for b.Loop() {
		if src.String() == "" {
			b.Fatal("nothing is written")
		}
	}
}
