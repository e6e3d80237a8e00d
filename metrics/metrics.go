// Package metrics counts what the edges do, for Prometheus. It reads records
// ([journey.Record]) and decides nothing; it hangs on an edge's Config.Record:
//
//	m := metrics.New(metrics.Config{Codes: edge.Codes()})
//	edge.New(edge.Config{Record: m.Record, …})
//	mux.Handle("GET /metrics", m.Handler())
//
// What there is, beside Go's own go_* and process_*:
//
//	homing_requests_total{edge,region,method,class}   by the edge's region, that of the machine that
//	                                                  answered, the method, and 2xx to 5xx; 1xx are tunnels
//	homing_errors_total{code}                         the edge's error codes; each is there from the start
//	homing_replays_total{reason}                      what machines gave as their reason
//	homing_request_hops                               machines asked for a request
//	homing_request_duration_seconds{edge,answered}    to the last byte; without tunnels
//	homing_position_wait_seconds                      of requests that ask for a position
//
// "answered" is local (by a machine in the edge's region), remote, replayed, or none;
// a region or class is none where no machine answered or no status went out.
//
// Labels have few values, and a client can choose none of them: no paths, no hosts, no
// machines, and of methods only the usual ones. What the replay cache did is not
// counted: records do not say it.
package metrics

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"homing/decision"
	"homing/journey"
	"homing/region"
)

// Config says what is counted from the start.
type Config struct {
	// Codes are the error codes that records can have: each is shown as 0 before it
	// happens, so that an alert can be made of it. One that is not among them is
	// counted as "other".
	Codes []string
}

// Metrics are the numbers of one process. Create them with [New]. Safe for concurrent
// use.
type Metrics struct {
	registry *prometheus.Registry
	codes    map[string]bool

	requests *prometheus.CounterVec
	errors   *prometheus.CounterVec
	replays  *prometheus.CounterVec
	hops     prometheus.Histogram
	duration *prometheus.HistogramVec
	wait     prometheus.Histogram
}

// New returns metrics that have counted nothing.
func New(cfg Config) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		codes:    make(map[string]bool),
		requests: counters("requests_total", "Requests that have ended.", "edge", "region", "method", "class"),
		errors:   counters("errors_total", "Requests that went wrong, by error code.", "code"),
		replays:  counters("replays_total", "Replays that machines asked for, by their reason.", "reason"),
		hops:     prometheus.NewHistogram(histogram("request_hops", "Machines that a request was brought to.", 0, 1, 2, 3, 5, 11)),
		duration: prometheus.NewHistogramVec(histogram("request_duration_seconds", "Time to the last byte of an answer, without tunnels.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60), []string{"edge", "answered"}),
		wait: prometheus.NewHistogram(histogram("position_wait_seconds", "Time that requests waited for what their client had written.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1)),
	}
	for _, code := range slices.Concat(cfg.Codes, []string{other}) {
		m.codes[code] = true
		m.errors.WithLabelValues(code)
	}
	for _, r := range decision.Reasons() {
		m.replays.WithLabelValues(reason(r)) // those that send nobody home are other
	}
	m.registry.MustRegister(m.requests, m.errors, m.replays, m.hops, m.duration, m.wait,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "homing"

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets ...float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}
}

// Record counts a request that has ended. It is quick, as an edge's Config.Record must
// be.
func (m *Metrics) Record(r *journey.Record) {
	m.requests.WithLabelValues(string(r.Edge), regionOf(r), method(r.Method), class(r.Status)).Inc()
	if r.Code != "" {
		m.errors.WithLabelValues(m.code(r.Code)).Inc()
	}
	m.hops.Observe(float64(len(r.Hops)))
	for i := range r.Hops {
		m.countHop(&r.Hops[i])
	}
	if r.Status != http.StatusSwitchingProtocols {
		m.duration.WithLabelValues(string(r.Edge), answered(r)).Observe(r.Duration.Seconds())
	}
}

func (m *Metrics) countHop(h *journey.Hop) {
	if h.Replayed {
		m.replays.WithLabelValues(reason(h.Decision.Reason)).Inc()
	}
	if h.Decision.Wanted != "" {
		m.wait.Observe(h.Decision.Waited.Seconds())
	}
}

var plain = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// Gauge is a number that is asked for whenever the metrics are read.
type Gauge struct {
	Name  string       // without the prefix "homing_"; it ends in its unit
	Help  string       // a sentence
	Edge  region.Code  // whose it is; one name may be given for several edges
	Value func() int64 // called from several goroutines
}

// Add shows a gauge from now on. The error says that it is there already, or that its
// name is none.
func (m *Metrics) Add(g Gauge) error {
	if !plain.MatchString(g.Name) { // others would have to be quoted in every query
		return fmt.Errorf("metrics: gauge %q: want a name of small letters and _", g.Name)
	}
	err := m.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: g.Name, Help: g.Help, ConstLabels: prometheus.Labels{"edge": string(g.Edge)},
	}, func() float64 { return float64(g.Value()) }))
	if err != nil {
		return fmt.Errorf("metrics: gauge %s of %s: %w", g.Name, g.Edge, err)
	}
	return nil
}

// Handler serves the metrics in Prometheus's formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
