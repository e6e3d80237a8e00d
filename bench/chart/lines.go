package chart

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// lines adds a line with its points for each series. Where lines lie upon each other each
// must still be seen: dashed ones are above the others, and of those the first, which is
// the narrowest.
func (c Chart) lines(p *plot.Plot) error {
	var solid, dashed []plot.Plotter
	for i, s := range c.Series {
		points := make(plotter.XYs, len(s.X))
		for j := range points {
			points[j].X, points[j].Y = s.X[j], s.Y[j]
		}
		l, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		l.LineStyle, marks.GlyphStyle = stroke(i), glyph(i)
		if isDashed(i) {
			dashed = append(dashed, l, marks)
		} else {
			solid = append([]plot.Plotter{l, marks}, solid...)
		}
	}
	p.Add(append(solid, dashed...)...)
	span(&p.X, c.X)
	span(&p.Y, c.Y)
	return nil
}

func isDashed(i int) bool { return i%2 == 1 }

// stroke and glyph tell series apart by more than their colour.
func stroke(i int) draw.LineStyle {
	style := draw.LineStyle{Color: palette[i].light, Width: 3 + vg.Length(i)}
	if isDashed(i) {
		style.Width, style.Dashes = 2, []vg.Length{7, 5}
	}
	return style
}

func glyph(i int) draw.GlyphStyle {
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}}
	style := draw.GlyphStyle{Color: palette[i].light, Radius: 4 + vg.Length(i)/2, Shape: shapes[i%2]}
	if isDashed(i) {
		style.Radius = 2.5
	}
	return style
}
