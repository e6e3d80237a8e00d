package observe

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestABucketIsATwentiethWide(t *testing.T) {
	for range 10_000 {
		d := time.Duration(rand.Int64N(int64(10 * time.Minute)))
		d >>= rand.IntN(30)
		off := middle(bucket(d)) - d
		if limit := d/20 + time.Microsecond; off < -limit || off > limit {
			t.Fatalf("%v is counted as %v", d, middle(bucket(d)))
		}
	}
	for _, d := range []time.Duration{-time.Second, 0, 1 << 62} {
		if i := bucket(d); i < 0 || i >= 32*steps {
			t.Errorf("%v is in bucket %d", d, i)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 100 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.95: 96} {
		want *= time.Millisecond
		if got := h.quantile(q); got < want*95/100 || got > want*105/100 {
			t.Errorf("%v: %v, want about %v", q, got, want)
		}
	}
}
