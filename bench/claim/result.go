package claim

import (
	"fmt"
	"slices"
	"time"

	"homing/bench/chart"
	"homing/bench/result"
	"homing/region"
)

// Result is the report as every benchmark writes it.
func (r *Report) Result() *result.Result {
	res := result.New("claim", "A write far from its database: send the queries, or the request?")
	res.AddVersion("PostgreSQL", r.version)
	res.Summary = r.Summary()
	for _, from := range r.places() {
		for _, w := range whats {
			r.table(res, from, w)
		}
	}
	for _, from := range r.cfg.far() {
		res.Charts = append(res.Charts, r.Charts(from)...)
	}
	r.tableOfMissing(res)
	r.tableOfPlaces(res)
	for _, n := range r.Notes() {
		res.Note(n)
	}
	return res
}

// places are the regions, the far ones first.
func (r *Report) places() []region.Code { return append(r.cfg.far(), r.cfg.Primary) }

// table has medians, and behind them the 95th percentiles.
func (r *Report) table(res *result.Result, from region.Code, w What) {
	columns := []result.Column{{Name: "queries"}}
	for _, of := range []string{"", ", 95 %"} {
		for _, s := range Strategies() {
			columns = append(columns, result.Column{Name: s.Short() + of, Unit: "ms", Digits: 1})
		}
	}
	t := res.AddTable(fmt.Sprintf("From %s, %s: %s", name(from), r.distance(from), w.Words()), columns...)
	for _, k := range r.cfg.Queries {
		row := []any{k}
		for _, part := range []float64{0.5, 0.95} {
			for _, s := range Strategies() {
				c := r.Cell(from, w, s, k)
				row = append(row, c.Times.Quantile(part))
			}
		}
		t.Add(row...)
	}
}

// distance says how far a region is from the primary.
func (r *Report) distance(from region.Code) string {
	if from == r.cfg.Primary {
		return "where the primary is"
	}
	return fmt.Sprintf("%s from %s", milliseconds(r.away(from)), name(r.cfg.Primary))
}

// name is a region's city and its code.
func name(r region.Code) string {
	if city := r.City(); city != string(r) {
		return fmt.Sprintf("%s (%s)", city, r)
	}
	return string(r)
}

func (r *Report) away(from region.Code) time.Duration { return r.cfg.Distances(from, r.cfg.Primary) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

func (r *Report) tableOfMissing(res *result.Result) {
	columns := []result.Column{{Name: "from"}, {Name: "looked"}}
	for _, s := range Strategies() {
		columns = append(columns, result.Column{Name: s.Short()})
	}
	t := res.AddTable("Own writes that were not seen", columns...)
	for _, from := range r.places() {
		row := []any{string(from), 0}
		for _, s := range Strategies() {
			missing, of := r.Missing(from, s)
			row, row[1] = append(row, missing), of
		}
		t.Add(row...)
	}
}

func (r *Report) tableOfPlaces(res *result.Result) {
	t := res.AddTable("Where requests ran", result.Column{Name: "from"}, result.Column{Name: "strategy"}, result.Column{Name: "request"},
		result.Column{Name: "there"}, result.Column{Name: "at the primary"}, result.Column{Name: "waited for the replica"},
		result.Column{Name: "median wait", Unit: "ms", Digits: 1})
	for _, from := range r.cfg.far() {
		for _, s := range Strategies() {
			for _, w := range whats {
				ran := r.Ran(from, w, s)
				var wait any
				if ran.Waited.Len() > 0 {
					wait = ran.Waited.Median()
				}
				t.Add(string(from), string(s), string(w), ran.Here, ran.Home, ran.Waited.Len(), wait)
			}
		}
	}
}

// Charts are those of a region: one for each thing that its users do.
func (r *Report) Charts(from region.Code) []chart.Chart {
	var all []chart.Chart
	for _, w := range whats {
		c := chart.Chart{
			Name: string(w) + "-" + string(from), Title: fmt.Sprintf("%s, from %s", upper(w.Words()), name(from)),
			Note: fmt.Sprintf("%s; %s; lower is better", upper(r.distance(from)), r.medians()),
			X:    chart.Axis{Label: "queries a request", Ticks: r.ticks()}, Y: chart.Axis{Label: "milliseconds"},
		}
		for _, s := range Strategies() {
			line := chart.Series{Name: s.Words()}
			for _, k := range r.cfg.Queries {
				line.X, line.Y = append(line.X, float64(k)), append(line.Y, r.median(from, w, s, k))
			}
			c.Series = append(c.Series, line)
		}
		all = append(all, c)
	}
	return all
}

// medians says of how many values a figure is the median.
func (r *Report) medians() string {
	if r.cfg.Rounds == 1 {
		return "measured once"
	}
	return fmt.Sprintf("medians of %d", r.cfg.Rounds)
}

// ticks are the queries that were measured, or some of them.
func (r *Report) ticks() []float64 {
	var all []float64
	for _, k := range r.cfg.Queries {
		if len(r.cfg.Queries) <= 6 || k == 1 || k%5 == 0 {
			all = append(all, float64(k))
		}
	}
	return slices.Compact(all)
}
