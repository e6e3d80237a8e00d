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
	Cards    []card
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

// card is one thing in large letters: as it is otherwise, and with Homing.
type card struct{ What, Otherwise, Bare, With, Note string }

// placeOfPage is a region's table and charts.
type placeOfPage struct {
	Name, Distance string
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
	Text   string
	Best   bool // as fast as any
	Misses bool // an own write was not seen
	Edge   bool // the first of its heading
}

// Page is the report as one file for a browser, which needs nothing from elsewhere.
func (r *Report) Page() ([]byte, error) {
	machine := result.ThisMachine()
	p := page{
		Cards: r.cards(), Queries: r.cfg.Queries, Limits: r.Limits(), Notes: r.Notes(),
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
	p := placeOfPage{Name: name(from), Distance: r.distance(from)}
	for _, s := range Strategies() {
		p.Rows = append(p.Rows, r.rowOfPage(from, s))
	}
	for _, c := range r.Charts(from)[:2] { // other reads are seen well enough in the table
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
			ms, missing := r.median(from, w, s, k), r.Cell(from, w, s, k).Missing
			row.Cells = append(row.Cells, cellOfPage{
				Text: fmt.Sprintf("%.0f", ms), Edge: i == 0, Misses: missing > 0, Best: missing == 0 && ms <= r.alike(from, w, k),
			})
		}
	}
	return row
}

// cards are what somebody sees who looks for ten seconds.
func (r *Report) cards() []card {
	from := r.cfg.far()[0]
	at := func(w What, s Strategy, k int) string { return fmt.Sprintf("%.0f ms", r.median(from, w, s, k)) }
	var all []card
	for i, k := range []int{r.cfg.Queries[len(r.cfg.Queries)-1], r.cfg.Queries[0]} {
		note := fmt.Sprintf("%d round trips, or 1", statements(k))
		if k == 1 {
			note = "one round trip either way"
		}
		if i == 0 || len(r.cfg.Queries) > 1 {
			all = append(all, card{"A write of " + queries(k), "if every query crosses", at(Write, Remote, k), at(Write, Replay, k), note})
		}
	}
	missing, of := r.Missing(from, Split)
	ours, _ := r.Missing(from, Replay)
	return append(all, card{
		fmt.Sprintf("Own writes not seen, of %d", of), "on a bare replica", fmt.Sprint(missing), fmt.Sprint(ours),
		fmt.Sprintf("the read takes %s instead of %s", r.span(from, Own, Replay), r.span(from, Own, Split)),
	})
}

// alike is up to where times are as good as the best that showed what it should: nobody
// feels a tenth more, or some milliseconds.
func (r *Report) alike(from region.Code, w What, k int) float64 {
	best := math.Inf(1)
	for _, s := range Strategies() {
		if r.Cell(from, w, s, k).Missing == 0 {
			best = min(best, r.median(from, w, s, k))
		}
	}
	return max(best*1.1, best+5)
}
