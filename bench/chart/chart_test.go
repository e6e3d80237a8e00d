package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"homing/bench/chart"
)

var some = chart.Chart{
	Name: "writes", Title: "Writes from São Paulo & elsewhere", Note: "Lower is better",
	X: chart.Axis{Label: "queries a request", Ticks: []float64{1, 5, 20}}, Y: chart.Axis{Label: "milliseconds"},
	Series: []chart.Series{
		{Name: "remote primary", X: []float64{1, 5, 20}, Y: []float64{363, 847, 2662}},
		{Name: "replay", X: []float64{1, 5, 20}, Y: []float64{122, 123, 127}},
	},
}

// texts reads an SVG, which must be well-formed, and returns what is written on it.
func texts(t *testing.T, svg []byte) []string {
	t.Helper()
	var all []string
	inText := false
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.CharData:
			if inText {
				all = append(all, string(token))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

func draw(t *testing.T, c chart.Chart) []byte {
	t.Helper()
	svg, err := c.SVG()
	if err != nil {
		t.Fatal(err)
	}
	return svg
}

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	all := "|" + strings.Join(got, "|") + "|"
	for _, w := range want {
		if !strings.Contains(all, "|"+w+"|") {
			t.Errorf("%q is not written on the chart; there is %q", w, got)
		}
	}
}

func TestLinesAreNamedAndMarked(t *testing.T) {
	svg := draw(t, some)
	wants(t, texts(t, svg), "Writes from São Paulo & elsewhere", "Lower is better", "queries a request", "milliseconds",
		"remote primary", "replay", "1", "5", "20", "0", "2500")
	if again := draw(t, some); !bytes.Equal(svg, again) {
		t.Error("the same chart was drawn differently the second time")
	}
}

func TestALongTitleIsWrittenInSeveralLines(t *testing.T) {
	c := some
	c.Title = strings.TrimSpace(strings.Repeat("quite a long title ", 10))
	first := texts(t, draw(t, c))[0]
	if !strings.HasPrefix(c.Title, first) || len(first) > 90 || len(first) < 40 {
		t.Errorf("the first line is %q", first)
	}
}

func TestAChartMayStandInAPage(t *testing.T) {
	svg := string(draw(t, some))
	if !strings.HasPrefix(svg, "<svg ") || strings.Count(svg, "<svg") != 1 {
		t.Errorf("it does not begin with its one svg element: %.80s", svg)
	}
	if strings.Contains(svg, "url(") || strings.Count(svg, "http") != 1 {
		t.Error("it refers to something elsewhere")
	}
}

func TestEveryColourHasOneForTheDark(t *testing.T) {
	head, body, _ := strings.Cut(string(draw(t, some)), "</style>")
	for _, part := range strings.Split(body, "#")[1:] {
		if colour := part[:6]; !strings.Contains(head, "#"+colour+`"]{`) {
			t.Errorf("#%s stays as it is in the dark", colour)
		}
	}
}

func TestBarsHaveTheirValuesAbove(t *testing.T) {
	got := texts(t, draw(t, chart.Chart{
		Name: "cpu", Title: "CPU", Y: chart.Axis{Label: "µs"}, Groups: []string{"GET", "POST"},
		Series: []chart.Series{{Name: "ours", Y: []float64{9.27, 1234}}, {Name: "theirs", Y: []float64{0, 66.66}}},
	}))
	wants(t, got, "GET", "POST", "ours", "theirs", "9.27", "1234", "66.7", "0", "µs")
}

func TestALogarithmicAxisIsMarkedAtPowersOfTen(t *testing.T) {
	c := chart.Chart{
		Name: "sizes", Title: "Sizes", X: chart.Axis{Label: "bytes", Log: true}, Y: chart.Axis{Label: "ms", Log: true},
		Series: []chart.Series{{Name: "one", X: []float64{100, 1e6}, Y: []float64{0.5, 4}}},
	}
	wants(t, texts(t, draw(t, c)), "100", "1000", "10,000", "100,000", "1,000,000", "0.5", "1", "2", "5")
}

func TestWhatCannotBeDrawnIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*chart.Chart)
		want   string
	}{
		{"a name that is no file's", func(c *chart.Chart) { c.Name = "a/b" }, "cannot be a name"},
		{"no title", func(c *chart.Chart) { c.Title = "" }, "no title"},
		{"no series", func(c *chart.Chart) { c.Series = nil }, "0 series; want 1 to 8"},
		{"too many series", func(c *chart.Chart) { c.Series = make([]chart.Series, 9) }, "9 series; want 1 to 8"},
		{"an empty series", func(c *chart.Chart) { c.Series = []chart.Series{{Name: "x"}} }, "0 values for 0 places"},
		{"a value missing", func(c *chart.Chart) { c.Series = []chart.Series{{X: []float64{1, 2}, Y: []float64{1}}} }, "1 values for 2 places"},
		{"a bar missing", func(c *chart.Chart) { c.Groups = []string{"a", "b"} }, "3 values for 2 places"},
		{"no number", func(c *chart.Chart) { c.Series = []chart.Series{{X: []float64{1}, Y: []float64{math.NaN()}}} }, "NaN cannot be drawn"},
		{"0 on a logarithmic axis", func(c *chart.Chart) {
			c.Y.Log, c.Series = true, []chart.Series{{X: []float64{1}, Y: []float64{0}}}
		}, `0 cannot be drawn on the axis "milliseconds"`},
		{"bars on a logarithmic axis", func(c *chart.Chart) { c.Y.Log, c.Groups = true, []string{"a", "b", "c"} }, "would begin nowhere"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := some
			tt.change(&c)
			if _, err := c.SVG(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
