// Package chart draws what benchmarks have measured, as SVG: lines over a linear or
// logarithmic axis, or bars in groups. It is a thin front of gonum.org/v1/plot, so that
// all charts of the project look alike and each is described by a value that can be kept
// as JSON and drawn again:
//
//	c := chart.Chart{
//		Name: "writes", Title: "A write, as a user in gru feels it",
//		X: chart.Axis{Label: "queries a request"}, Y: chart.Axis{Label: "ms, median"},
//		Series: []chart.Series{{Name: "remote primary", X: []float64{1, 5}, Y: []float64{242, 727}}},
//	}
//	svg, err := c.SVG()
//
// What comes out needs no network and no fonts of its own, and follows a reader's dark
// mode. It may stand in a page as it is.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Chart is one picture. With Groups it has bars, without them lines.
type Chart struct {
	// Name tells it apart from the other charts of a result, in a file's name: small
	// letters, digits and "-".
	Name string `json:"name"`
	// Title says in one line what is seen.
	Title string `json:"title"`
	// Note is a second line, smaller: how it was measured, or which way is better. It
	// may be empty.
	Note string `json:"note,omitempty"`
	// X and Y are the axes. Of bars, X has a label only.
	X Axis `json:"x"`
	Y Axis `json:"y"`
	// Groups are the names below groups of bars, from left to right.
	Groups []string `json:"groups,omitempty"`
	// Series are drawn and named in this order, eight at most.
	Series []Series `json:"series"`
}

// Axis is one of the two.
type Axis struct {
	// Label says what the axis counts, with the unit.
	Label string `json:"label"`
	// Log is a logarithmic axis, for values above 0. Bars, which begin at 0, have none.
	Log bool `json:"log,omitempty"`
	// Ticks are the values that are marked. None: round ones are chosen.
	Ticks []float64 `json:"ticks,omitempty"`
}

// Series is one line, or the bars of one colour.
type Series struct {
	// Name is what the legend says.
	Name string `json:"name"`
	// X and Y are a line's points, in the order in which they are joined. Of bars, Y has
	// a value for each group, and X nothing.
	X []float64 `json:"xs,omitempty"`
	Y []float64 `json:"ys"`
}

// SVG draws the chart.
func (c Chart) SVG() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("chart %q: %w", c.Name, err)
	}
	var b bytes.Buffer
	if err := c.draw(&b); err != nil {
		return nil, fmt.Errorf("chart %q: %w", c.Name, err)
	}
	return b.Bytes(), nil
}

func (c Chart) validate() error {
	errs := []error{checkName(c.Name)}
	if c.Title == "" {
		errs = append(errs, errors.New("no title"))
	}
	if n := len(c.Series); n == 0 || n > len(palette) {
		errs = append(errs, fmt.Errorf("%d series; want 1 to %d", n, len(palette)))
	}
	if len(c.Groups) > 0 && c.Y.Log {
		errs = append(errs, errors.New("bars on a logarithmic axis: they would begin nowhere"))
	}
	for _, s := range c.Series {
		if err := c.check(s); err != nil {
			errs = append(errs, fmt.Errorf("series %q: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// checkName accepts what can be part of a file's name everywhere.
func checkName(name string) error {
	const fine = "abcdefghijklmnopqrstuvwxyz0123456789-"
	if name == "" || strings.Trim(name, fine) != "" {
		return fmt.Errorf("%q cannot be a name; use small letters, digits and -", name)
	}
	return nil
}

// check reports what would make a picture that lies, or none.
func (c Chart) check(s Series) error {
	want := len(s.X)
	if len(c.Groups) > 0 {
		want = len(c.Groups)
	}
	if len(s.Y) != want || want == 0 {
		return fmt.Errorf("%d values for %d places", len(s.Y), want)
	}
	return errors.Join(c.X.check(s.X), c.Y.check(s.Y))
}

func (a Axis) check(values []float64) error {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) || a.Log && v <= 0 {
			return fmt.Errorf("%v cannot be drawn on the axis %q", v, a.Label)
		}
	}
	return nil
}
