package chart

import (
	"fmt"
	"html"
	"image/color"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Sizes in the SVG's own units, which a browser shows as pixels.
const (
	width, height = 720, 400

	titleSize = 17
	textSize  = 13
	lineWidth = 2.2
	margin    = 14
	gap       = 8
)

// ink is a colour on light ground, and what stands for it on dark ground. Each is used
// for one purpose, so that one can be told from another in what was drawn.
type ink struct{ light, dark color.RGBA }

func rgb(v uint32) color.RGBA {
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}
}

var (
	paper  = ink{rgb(0xfffffe), rgb(0x16191d)}
	strong = ink{rgb(0x1b1f24), rgb(0xf0f2f4)} // titles
	soft   = ink{rgb(0x555c64), rgb(0xa9b1ba)} // labels and notes
	faint  = ink{rgb(0xe1e4e8), rgb(0x31363c)} // the grid
)

// palette is of colours that differ for the colour-blind, too (after Okabe and Ito).
var palette = []ink{
	{rgb(0xc2410c), rgb(0xff8a4c)}, {rgb(0x0069b4), rgb(0x4db2ff)}, {rgb(0x00805f), rgb(0x2fd0a0)}, {rgb(0x8a4b9a), rgb(0xd79be6)},
	{rgb(0x946c00), rgb(0xf0c53c)}, {rgb(0x4a5568), rgb(0xb6c2d4)}, {rgb(0x00798c), rgb(0x5fd3e3)}, {rgb(0xa8324e), rgb(0xff86a3)},
}

func (i ink) hex() string { return hex(i.light) }

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// wider is what is added to the room for a text where another stands beside it. Texts
// are measured as Liberation Sans, which Arial and Helvetica are as wide as; a reader
// without any of them sees a wider one.
const wider = 1.17

// letters is a style of text.
func letters(i ink, size vg.Length) text.Style {
	return text.Style{
		Color: i.light, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: text.XLeft, YAlign: text.YBottom, Handler: text.Plain{Fonts: fonts},
	}
}

func bold(s text.Style) text.Style {
	s.Font.Weight = 3 // WeightBold of golang.org/x/image/font
	return s
}

// head is what stands before the drawing: its size, what it shows for those who do not
// see it, and the rules that replace colours in the dark.
func head(title string) string {
	var rules strings.Builder
	for _, i := range append([]ink{paper, strong, soft, faint}, palette...) {
		fmt.Fprintf(&rules, "[style*=\"fill:%s\"]{fill:%s!important}", i.hex(), hex(i.dark))
		fmt.Fprintf(&rules, "[style*=\"stroke:%s\"]{stroke:%s!important}", i.hex(), hex(i.dark))
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" class="chart">
<title>%s</title>
<style>.chart text{font-family:"Liberation Sans",Arial,Helvetica,sans-serif!important}
@media (prefers-color-scheme:dark){%s}</style>
`, width, height, html.EscapeString(title), rules.String())
}
