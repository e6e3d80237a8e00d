package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"homing/bench/chart"
	"homing/bench/result"
)

// report puts what was measured into tables and a chart.
func (m *measurement) report() *result.Result {
	trip := m.trip()
	r := result.New("distance", fmt.Sprintf("A replayed write from %s to %s, against one round trip", m.cfg.from, m.cfg.to))
	r.Summary = fmt.Sprintf("One round trip takes %.1f ms. Bodies to 64 KiB take no more than that and 2 ms, as we aim at, just after other writes with: %s",
		trip, m.within(m.warm))
	if m.cfg.idle > 0 {
		r.Summary += fmt.Sprintf("; after %v without one with: %s", m.cfg.idle, m.within(m.after))
	}
	r.Summary += "."
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

// trip is a round trip in milliseconds: the shortest, since none is shorter than the way,
// and a machine that is busy makes some longer.
func (m *measurement) trip() float64 { return m.roundTrip.Quantile(0) }

// aim is what a write may take beyond a round trip, where its body is no larger.
const (
	aim       = 2.0 // ms
	aimedBody = 64 << 10
)

// within names the setups that keep to the aim.
func (m *measurement) within(samples map[key]*result.Sample) string {
	var names []string
	for i, s := range m.setups {
		most := m.trip() + aim
		if !slices.ContainsFunc(m.cfg.sizes, func(size int) bool { return size <= aimedBody && samples[key{i, size}].Median() > most }) {
			names = append(names, s.name)
		}
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}

func (m *measurement) addTable(r *result.Result, title string, samples map[key]*result.Sample) {
	t := r.AddTable(title,
		result.Column{Name: "edge's server"}, result.Column{Name: "body"},
		result.Column{Name: "least", Unit: "ms", Digits: 1}, result.Column{Name: "median", Unit: "ms", Digits: 1}, result.Column{Name: "most", Unit: "ms", Digits: 1},
		result.Column{Name: "round trips", Digits: 2}, result.Column{Name: "beyond one", Unit: "ms", Digits: 1})
	trip := m.trip()
	for i, s := range m.setups {
		for _, size := range m.cfg.sizes {
			took := samples[key{i, size}]
			t.Add(s.name, sizeName(size), took.Quantile(0), took.Median(), took.Quantile(1), took.Median()/trip, took.Median()-trip)
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
			series.Y = append(series.Y, m.after[key{i, size}].Median()/m.trip())
		}
		c.Series = append(c.Series, series)
	}
	return c
}
