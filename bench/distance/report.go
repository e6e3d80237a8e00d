package main

import (
	"fmt"

	"homing/bench/chart"
	"homing/bench/result"
)

// report puts what was measured into tables and a chart.
func (m *measurement) report() *result.Result {
	trip := m.roundTrip.Median()
	r := result.New("distance", fmt.Sprintf("A replayed write from %s to %s, against one round trip", m.cfg.from, m.cfg.to))
	r.Summary = fmt.Sprintf("One round trip takes %.1f ms.", trip)
	r.Commands = []string{fmt.Sprintf("go run ./bench/distance --from %s --to %s --idle %v --tries %d", m.cfg.from, m.cfg.to, m.cfg.idle, m.cfg.tries)}
	m.addTable(r, "Just after other writes", m.warm)
	if m.cfg.idle > 0 {
		m.addTable(r, fmt.Sprintf("After %v without one", m.cfg.idle), m.after)
		r.Charts = append(r.Charts, m.chart())
	}
	for _, s := range m.setups {
		r.Note(fmt.Sprintf("%q: %s.", s.name, s.says))
	}
	r.Notes = append(r.Notes, m.left...)
	r.Note("Packets travel between network namespaces on one machine, and each takes half of the round trip that the places suggest; " +
		"nothing is lost. Congestion control is cubic where nothing else is said.")
	return r
}

func (m *measurement) addTable(r *result.Result, title string, samples map[key]*result.Sample) {
	t := r.AddTable(title,
		result.Column{Name: "edge's server"}, result.Column{Name: "body"},
		result.Column{Name: "median", Unit: "ms", Digits: 1}, result.Column{Name: "most", Unit: "ms", Digits: 1},
		result.Column{Name: "round trips", Digits: 2}, result.Column{Name: "beyond one", Unit: "ms", Digits: 1})
	trip := m.roundTrip.Median()
	for i, s := range m.setups {
		for _, size := range m.cfg.sizes {
			took := samples[key{i, size}]
			t.Add(s.name, sizeName(size), took.Median(), took.Quantile(1), took.Median()/trip, took.Median()-trip)
		}
	}
}

// chart shows the round trips that a write takes after the pause.
func (m *measurement) chart() chart.Chart {
	c := chart.Chart{
		Name: "idle", Title: fmt.Sprintf("A replayed write from %s to %s after %v without one", m.cfg.from, m.cfg.to, m.cfg.idle),
		Note: "by the size of its body; 1 is the least there can be",
		X:    chart.Axis{Label: "body"}, Y: chart.Axis{Label: "round trips, median"},
	}
	for _, size := range m.cfg.sizes {
		c.Groups = append(c.Groups, sizeName(size))
	}
	for i, s := range m.setups {
		series := chart.Series{Name: s.name}
		for _, size := range m.cfg.sizes {
			series.Y = append(series.Y, m.after[key{i, size}].Median()/m.roundTrip.Median())
		}
		c.Series = append(c.Series, series)
	}
	return c
}
