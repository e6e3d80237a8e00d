package chart

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// lines adds a line with its points for each series.
func (c Chart) lines(p *plot.Plot) error {
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
		p.Add(l, marks)
	}
	span(&p.X, c.X)
	span(&p.Y, c.Y)
	return nil
}

// stroke and glyph tell series apart by more than their colour. Where one lies upon
// another, the lower one is seen between its dashes and beside them.
func stroke(i int) draw.LineStyle {
	style := draw.LineStyle{Color: palette[i].light, Width: 4}
	if i%2 == 1 {
		style.Width, style.Dashes = 2, []vg.Length{7, 5}
	}
	return style
}

func glyph(i int) draw.GlyphStyle {
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.PlusGlyph{}}
	sizes := []vg.Length{5, 3, 4, 4}
	return draw.GlyphStyle{Color: palette[i].light, Radius: sizes[i%len(sizes)], Shape: shapes[i%len(shapes)]}
}
