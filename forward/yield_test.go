package forward_test

import (
	"testing"
	"time"

	"homing/forward"
)

func TestAYieldComesWhereItPays(t *testing.T) {
	const atOnce, late = time.Microsecond, time.Millisecond
	for _, tt := range []struct {
		name string
		took func(i int) time.Duration
		want int // of 1,000 reads
	}{
		{"what is read is always there", func(int) time.Duration { return atOnce }, 1000},
		{"it never is", func(int) time.Duration { return late }, 32}, // 1 of 32
		{"it is, but for one in four", func(i int) time.Duration {
			if i%4 == 3 {
				return late
			}
			return atOnce
		}, 1000},
		{"it is no more, after 100", func(i int) time.Duration {
			if i < 100 {
				return atOnce
			}
			return late
		}, 100 + 4 + 28},
		{"it is from now on, after 100", func(i int) time.Duration {
			if i < 100 {
				return late
			}
			return atOnce
		}, 4 + 1000 - 128},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var y forward.Yield
			yields := 0
			for i := range 1000 {
				if y.Due() {
					yields++
					y.Learn(tt.took(i))
				}
			}
			if yields != tt.want {
				t.Errorf("it yielded %d times in 1,000, want %d", yields, tt.want)
			}
		})
	}
}
