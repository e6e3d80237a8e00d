package claim

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"time"

	"homing/bench/result"
	"homing/region"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the page shows.
type page struct {
	Summary  string
	Queries  []int
	Whats    []heading
	Places   []placeOfPage
	Limits   []string
	Notes    []string
	When     string
	Machine  string
	Versions []result.Version
}

type heading struct{ Words string }

// placeOfPage is a region's table and charts.
type placeOfPage struct {
	City, Distance string
	Rows           []rowOfPage
	Charts         []template.HTML // drawn by us; what comes from outside is escaped there
}

type rowOfPage struct {
	Words   string
	Ours    bool
	Cells   []cellOfPage
	Missing string
	Misses  bool
}

type cellOfPage struct {
	Text string
	Best bool // as fast as any
	Edge bool // the first of its heading
}

// Page is the report as one file for a browser, which needs nothing from elsewhere.
func (r *Report) Page() ([]byte, error) {
	machine := result.ThisMachine()
	p := page{
		Summary: r.Summary(), Queries: r.cfg.Queries, Limits: r.Limits(), Notes: r.Notes(),
		When: time.Now().Format(time.DateOnly), Machine: machine.String(),
		Versions: []result.Version{{Name: "PostgreSQL", Version: r.version}},
	}
	for _, w := range whats {
		p.Whats = append(p.Whats, heading{upper(w.Words())})
	}
	for _, from := range r.cfg.far() {
		place, err := r.placeOfPage(from)
		if err != nil {
			return nil, err
		}
		p.Places = append(p.Places, place)
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}

func (r *Report) placeOfPage(from region.Code) (placeOfPage, error) {
	p := placeOfPage{City: from.City(), Distance: r.distance(from)}
	for _, s := range Strategies() {
		p.Rows = append(p.Rows, r.rowOfPage(from, s))
	}
	for _, c := range r.Charts(from) {
		svg, err := c.SVG()
		if err != nil {
			return p, err
		}
		p.Charts = append(p.Charts, template.HTML(svg))
	}
	return p, nil
}

func (r *Report) rowOfPage(from region.Code, s Strategy) rowOfPage {
	missing, of := r.Missing(from, s)
	row := rowOfPage{Words: upper(s.Words()), Ours: s == Replay, Missing: fmt.Sprintf("%d of %d", missing, of), Misses: missing > 0}
	for _, w := range whats {
		for i, k := range r.cfg.Queries {
			c := r.Cell(from, w, s, k)
			row.Cells = append(row.Cells, cellOfPage{
				Text: fmt.Sprintf("%.0f", c.Times.Median()), Best: c.Times.Median() <= r.alike(from, w, k), Edge: i == 0,
			})
		}
	}
	return row
}

// alike is up to where times are as good as the best: nobody feels a tenth more, or some
// milliseconds.
func (r *Report) alike(from region.Code, w What, k int) float64 {
	best := math.Inf(1)
	for _, s := range Strategies() {
		c := r.Cell(from, w, s, k)
		best = min(best, c.Times.Median())
	}
	return max(best*1.1, best+5)
}
