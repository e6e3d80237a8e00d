//go:build linux

package main

import (
	"fmt"

	"homing/bench/result"
)

// newTable returns an empty table whose rows are peers.
func newTable(title string, columns ...result.Column) *result.Table {
	return &result.Table{Title: title, Columns: append([]result.Column{{Name: "peer"}}, columns...)}
}

// add adds a peer's row. What is negative was not told.
func add(t *result.Table, peer string, cells ...any) {
	for i, c := range cells {
		if f, is := c.(float64); is && f < 0 {
			cells[i] = nil
		}
	}
	t.Add(append([]any{peer}, cells...)...)
}

// value returns what stands in a peer's row below a column's name.
func value(t *result.Table, peer, column string) (float64, bool) {
	for i, c := range t.Columns {
		for _, row := range t.Rows {
			if c.Name == column && row[0] == peer {
				f, ok := row[i].(float64)
				return f, ok
			}
		}
	}
	return 0, false
}

func median(values []float64) float64 {
	var s result.Sample
	for _, v := range values {
		s.Add(v)
	}
	return s.Median()
}

// compared is how a peer did in ratio to nginx, round by round.
type compared []float64

// against returns the ratios of what was measured of two in the same rounds.
func against(own, other []sample, what func(sample) float64) compared {
	var ratios compared
	for i := range own {
		ratios = append(ratios, what(own[i])/max(what(other[i]), 1e-9))
	}
	return ratios
}

func (c compared) median() float64 { return median(c) }

// spread is from the least to the most, which tells how far the median can be believed.
func (c compared) spread() string {
	least, most := c[0], c[0]
	for _, r := range c {
		least, most = min(least, r), max(most, r)
	}
	return fmt.Sprintf("%.2f–%.2f", least, most)
}
