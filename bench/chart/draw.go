package chart

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var fonts = font.NewCache(liberation.Collection())

// draw draws from top to bottom: title, note, legend, and the plot in what is left.
func (c Chart) draw(w io.Writer) error {
	canvas := vgsvg.NewWith(vgsvg.UseWH(width, height))
	page := draw.New(canvas)
	page.FillPolygon(paper.light, corners(page.Rectangle))
	page = draw.Crop(page, margin, -margin, margin, -margin)
	p, err := c.plot()
	if err != nil {
		return err
	}
	page = lines(page, bold(letters(strong, titleSize)), c.Title)
	page = lines(page, letters(soft, textSize), c.Note)
	page = c.legend(page)
	p.Draw(page)
	return finish(w, canvas, c.Title)
}

func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}

// lines writes a text at the top, in as many lines as it needs, and returns what is left
// below.
func lines(page draw.Canvas, style text.Style, s string) draw.Canvas {
	line := ""
	for word := range strings.FieldsSeq(s) {
		longer := strings.TrimPrefix(line+" "+word, " ")
		if line != "" && style.Width(longer)*wider > page.Max.X-page.Min.X {
			page, longer = write(page, style, line), word
		}
		line = longer
	}
	if line == "" {
		return page
	}
	return draw.Crop(write(page, style, line), 0, 0, 0, -gap/2)
}

// write writes one line at the top.
func write(page draw.Canvas, style text.Style, s string) draw.Canvas {
	extents := style.FontExtents()
	page.FillText(style, vg.Point{X: page.Min.X, Y: page.Max.Y - extents.Ascent - extents.Descent}, s)
	return draw.Crop(page, 0, 0, 0, -style.Font.Size-gap/2)
}

// legend names the series in rows at the top, and returns what is left below.
func (c Chart) legend(page draw.Canvas) draw.Canvas {
	const swatch = 16
	style := letters(strong, textSize)
	at := vg.Point{X: page.Min.X, Y: page.Max.Y - textSize}
	for i, s := range c.Series {
		wide := swatch + gap/2 + style.Width(s.Name)*wider
		if at.X > page.Min.X && at.X+wide > page.Max.X {
			at = vg.Point{X: page.Min.X, Y: at.Y - textSize - gap}
		}
		c.sample(page, i, vg.Point{X: at.X + swatch/2, Y: at.Y + textSize/2 - 1})
		page.FillText(style, vg.Point{X: at.X + swatch + gap/2, Y: at.Y - 2}, s.Name)
		at.X += wide + gap
	}
	return draw.Crop(page, 0, 0, 0, at.Y-gap-page.Max.Y)
}

// sample is what a series looks like.
func (c Chart) sample(page draw.Canvas, i int, at vg.Point) {
	if len(c.Groups) == 0 {
		page.StrokeLine2(stroke(i), at.X-8, at.Y, at.X+8, at.Y)
		page.DrawGlyph(glyph(i), at)
		return
	}
	page.FillPolygon(palette[i].light, []vg.Point{
		{X: at.X - 6, Y: at.Y - 6}, {X: at.X + 6, Y: at.Y - 6}, {X: at.X + 6, Y: at.Y + 6}, {X: at.X - 6, Y: at.Y + 6},
	})
}

// plot makes the axes and what is between them.
func (c Chart) plot() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = paper.light
	dress(&p.X, c.X)
	dress(&p.Y, c.Y)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Horizontal.Width = faint.light, 1
	grid.Vertical.Width = 0
	p.Add(grid)
	if len(c.Groups) > 0 {
		return p, c.bars(p)
	}
	return p, c.lines(p)
}

// dress gives an axis the project's look.
func dress(to *plot.Axis, a Axis) {
	small := letters(soft, textSize)
	to.Label.Text, to.Label.Padding = a.Label, 4
	to.Label.TextStyle.Color, to.Label.TextStyle.Font = soft.light, small.Font
	to.Tick.Label.Color, to.Tick.Label.Font = soft.light, small.Font
	to.LineStyle.Color, to.Tick.LineStyle.Color = soft.light, soft.light
	to.Tick.Marker = ticks{a}
	if a.Log {
		to.Scale = plot.LogScale{}
	}
}

// finish writes what was drawn, with a head of ours instead of the canvas's.
func finish(w io.Writer, canvas *vgsvg.Canvas, title string) error {
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	_, rest, found := bytes.Cut(b.Bytes(), []byte("<svg "))
	if _, rest, _ = bytes.Cut(rest, []byte(">\n")); !found || len(rest) == 0 {
		return errors.New("the library's SVG does not begin as it used to")
	}
	if _, err := io.WriteString(w, head(title)); err != nil {
		return err
	}
	_, err := w.Write(rest)
	return err
}
