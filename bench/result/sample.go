package result

import (
	"math"
	"slices"
	"time"
)

// Sample is what was measured of one thing, once a round. Its zero value is empty, and
// what an empty one says is NaN, which no table takes. Not safe for concurrent use.
type Sample struct{ values []float64 }

// Add adds a value.
func (s *Sample) Add(v float64) { s.values = append(s.values, v) }

// AddMilliseconds adds a time, in milliseconds.
func (s *Sample) AddMilliseconds(d time.Duration) { s.Add(float64(d) / float64(time.Millisecond)) }

// Len is how many there are.
func (s *Sample) Len() int { return len(s.values) }

// Median is the middle one, or the mean of the two in the middle.
func (s *Sample) Median() float64 { return s.Quantile(0.5) }

// Quantile returns the value below which the given part of them lies, 0 to 1, between
// two of them in proportion. With few values a high one is nearly their maximum.
func (s *Sample) Quantile(part float64) float64 {
	if len(s.values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s.values))
	at := part * float64(len(sorted)-1)
	low, share := math.Modf(at)
	if int(low) == len(sorted)-1 {
		return sorted[int(low)]
	}
	return sorted[int(low)] + share*(sorted[int(low)+1]-sorted[int(low)])
}
