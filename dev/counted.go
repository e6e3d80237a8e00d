package dev

import (
	"homing/edge"
	"homing/journey"
	"homing/metrics"
	"homing/region"
)

// Metrics returns what all edges have counted.
func (w *World) Metrics() *metrics.Metrics { return w.metrics }

// record is told of each request by its edge. What the page shows was counted.
func (w *World) record(r *journey.Record) {
	r = r.Clone() // it is kept
	w.metrics.Record(r)
	w.journeys.Add(r)
	w.cfg.Record(r)
}

func keptBytes(r region.Code, e *edge.Edge) metrics.Gauge {
	return metrics.Gauge{Name: "kept_body_bytes", Help: "Bytes of requests' bodies that are kept for a replay.", Edge: r, Value: e.KeptBytes}
}
