package chart

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// span widens an axis. A linear one begins at 0, so that twice as high is twice as much;
// a logarithmic one begins and ends at a 1, 2 or 5.
func span(to *plot.Axis, a Axis) {
	for _, t := range a.Ticks {
		to.Min, to.Max = min(to.Min, t), max(to.Max, t)
	}
	if a.Log {
		to.Min, to.Max = below(to.Min), above(to.Max)
		if to.Min == to.Max {
			to.Min, to.Max = to.Min/10, to.Max*10
		}
		return
	}
	to.Min = min(0, to.Min)
	if to.Max <= to.Min {
		to.Max = to.Min + 1
	}
}

// below and above are the nearest of …, 0.5, 1, 2, 5, 10, …
func below(v float64) float64 {
	at := decade(v)
	for _, n := range []float64{5, 2} {
		if n*at <= v {
			return n * at
		}
	}
	return at
}

func above(v float64) float64 {
	at := decade(v)
	for _, n := range []float64{1, 2, 5} {
		if n*at >= v {
			return n * at
		}
	}
	return 10 * at
}

// decade is the power of ten at or below a value.
func decade(v float64) float64 { return math.Pow10(int(math.Floor(math.Log10(v)))) }

// ticks marks an axis.
type ticks struct{ axis Axis }

// Ticks returns those between two values.
func (t ticks) Ticks(low, high float64) []plot.Tick {
	switch {
	case len(t.axis.Ticks) > 0:
		return labelled(t.axis.Ticks)
	case t.axis.Log:
		return logarithmic(low, high)
	}
	return linear(low, high)
}

func labelled(values []float64) []plot.Tick {
	var marks []plot.Tick
	for _, v := range values {
		marks = append(marks, plot.Tick{Value: v, Label: number(v)})
	}
	return marks
}

// linear marks about five round values.
func linear(low, high float64) []plot.Tick {
	step := above((high - low) / 6)
	var values []float64
	for n := math.Ceil(low / step); n*step <= high; n++ {
		values = append(values, n*step)
	}
	return labelled(values)
}

// logarithmic labels each power of ten; 2 and 5 too, where that would be too few.
func logarithmic(low, high float64) []plot.Tick {
	few := high/low <= 200
	var marks []plot.Tick
	for at := decade(low); at <= high; at *= 10 {
		for n := 1.0; n < 10; n++ {
			mark := plot.Tick{Value: n * at}
			if n == 1 || few && (n == 2 || n == 5) {
				mark.Label = number(mark.Value)
			}
			marks = append(marks, mark)
		}
	}
	return marks
}

// number is written as people do: 12,000 rather than 1.2e+04.
func number(v float64) string {
	s := strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
	if math.Abs(v) < 10_000 || v != math.Trunc(v) {
		return s
	}
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
