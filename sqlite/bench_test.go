package sqlite

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// BenchmarkCommitToVisible is the time from the end of a commit on the primary
// until the replica, over loopback, has it: what a read that follows a write
// waits for, besides the distance.
func BenchmarkCommitToVisible(b *testing.B) {
	w := newWorld(b)
	ctx := context.Background()
	var took []time.Duration
	for b.Loop() {
		w.insert("a note of the usual length, more or less")
		begin := time.Now()
		p, err := w.primary.Position(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := w.replica.Wait(ctx, p); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "lag-p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "lag-p99-µs")
}

// BenchmarkPosition is what the answer to a write costs on the primary.
func BenchmarkPosition(b *testing.B) {
	w := newWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.primary.Position(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWaitReached is what a read pays that is served here at once.
func BenchmarkWaitReached(b *testing.B) {
	w := newWorld(b)
	ctx, p := context.Background(), w.sync()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.replica.Wait(ctx, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSnapshot is how fast a new replica takes over a database of 40 MB: as
// a new file, and under the readers of an old one.
func BenchmarkSnapshot(b *testing.B) {
	for _, old := range []bool{false, true} {
		b.Run(map[bool]string{false: "new file", true: "live"}[old], func(b *testing.B) {
			w := newWorld(b)
			w.exec(fmt.Sprintf("INSERT INTO notes (text) SELECT hex(randomblob(2000)) FROM "+series, 10_000))
			w.sync()
			b.SetBytes(fileSize(w.path("replica")) + fileSize(w.path("replica")+"-wal"))
			for b.Loop() {
				w.replica.Close()
				os.Remove(markFile(w.path("replica")))
				if !old {
					os.Remove(w.path("replica"))
				}
				w.startReplica()
				w.sync()
			}
		})
	}
}
