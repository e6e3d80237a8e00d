package chart

import (
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// bars adds the series beside each other, in groups, with each value above its bar.
func (c Chart) bars(p *plot.Plot) error {
	const room = width - 2*margin - 60 // what the axis leaves
	wide := vg.Length(room / len(c.Groups) * 3 / 4 / len(c.Series))
	wide = min(wide, 56)
	for i, s := range c.Series {
		b, err := plotter.NewBarChart(plotter.Values(s.Y), wide-2)
		if err != nil {
			return err
		}
		b.Color, b.LineStyle.Width = palette[i].light, 0
		b.Offset = wide * (vg.Length(i) - vg.Length(len(c.Series)-1)/2)
		p.Add(b)
		if err := values(p, s.Y, b.Offset, wide); err != nil {
			return err
		}
	}
	p.NominalX(c.Groups...)
	p.X.Tick.Label.Color = strong.light
	p.X.Min, p.X.Max = -0.5, float64(len(c.Groups))-0.5
	p.Y.Max *= 1.08 // for the number above the highest
	span(&p.Y, c.Y)
	return nil
}

// values writes them above their bars, where there is room for them.
func values(p *plot.Plot, of []float64, offset, wide vg.Length) error {
	style := letters(soft, textSize-2)
	style.XAlign = text.XCenter
	at := plotter.XYLabels{XYs: make(plotter.XYs, len(of)), Labels: make([]string, len(of))}
	for i, v := range of {
		at.XYs[i].X, at.XYs[i].Y = float64(i), v
		at.Labels[i] = short(v)
		if style.Width(at.Labels[i]) > wide+6 {
			at.Labels[i] = ""
		}
	}
	labels, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i] = style
	}
	labels.Offset = vg.Point{X: offset, Y: 2}
	p.Add(labels)
	return nil
}

// short is a value with three digits, as far as it is not larger.
func short(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return number(float64(int64(v + 0.5)))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
