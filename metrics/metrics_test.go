package metrics_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"homing/decision"
	"homing/journey"
	"homing/metrics"
	"homing/region"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	srv := httptest.NewServer(m.Handler())
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain; version=") {
		t.Fatalf("%d, %s, %v", resp.StatusCode, resp.Header.Get("Content-Type"), err)
	}
	return string(text)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains(text, "\n"+want+"\n") {
			name, _, _ := strings.Cut(want, " ")
			_, found, _ := strings.Cut(text, "\n"+name)
			found, _, _ = strings.Cut(found, "\n")
			t.Errorf("want %s, and it is%s", want, found)
		}
	}
}

// record is a request in ams that was answered with status by a machine in each of
// the regions in turn: all but the last replay it.
func record(status int, regions ...region.Code) *journey.Record {
	r := &journey.Record{Edge: "ams", Method: "GET", Status: status, Duration: 30 * time.Millisecond}
	for i, at := range regions {
		h := journey.Hop{Region: at, Status: 409, Replayed: true, Decision: decision.Decision{Reason: decision.Method}}
		if i == len(regions)-1 {
			h = journey.Hop{Region: at, Status: status}
		}
		r.Hops = append(r.Hops, h)
	}
	return r
}

func TestEverythingThatCanGoWrongIsShownBeforeItDoes(t *testing.T) {
	text := scrape(t, metrics.New(metrics.Config{Codes: []string{"PA01", "PU02"}}))
	wantLines(t, text,
		`homing_errors_total{code="PA01"} 0`, `homing_errors_total{code="PU02"} 0`, `homing_errors_total{code="other"} 0`,
		`homing_replays_total{reason="method"} 0`, `homing_replays_total{reason="captured"} 0`, `homing_replays_total{reason="conflict"} 0`,
		`homing_replays_total{reason="down"} 0`, `homing_replays_total{reason="stale"} 0`, `homing_replays_total{reason="threshold"} 0`,
		`homing_replays_total{reason="missing"} 0`, `homing_replays_total{reason="asked"} 0`, `homing_replays_total{reason="replaced"} 0`,
		`homing_replays_total{reason="other"} 0`,
		`homing_request_hops_count 0`, `homing_position_wait_seconds_count 0`)
	if n := strings.Count(text, "\nhoming_replays_total{"); n != 10 {
		t.Errorf("there are %d reasons, want those for going home and other", n)
	}
	for _, of := range []string{"go_goroutines ", "process_open_fds "} {
		if !strings.Contains(text, "\n"+of) {
			t.Errorf("there is no %s", of)
		}
	}
}

func TestRequestsAreCountedByWhereAndHowTheyWereAnswered(t *testing.T) {
	cut, refused, failed := record(0, "ord"), record(400), record(502, "ord")
	cut.Hops[0].Status = 200
	refused.Method, refused.Code = "", "BAD"
	failed.Hops[0].Status, failed.Code = 0, "PU02"
	tunnel := record(101, "ord")
	tunnel.Duration = time.Hour
	loop := record(508, "ord", "ams")
	loop.Hops[1].Replayed, loop.Hops[1].Status, loop.Code = true, 409, "PA02"
	retried := record(200, "ord", "ams")
	retried.Hops[0] = journey.Hop{Region: "ord", Problem: "refused"}

	m := metrics.New(metrics.Config{Codes: []string{"BAD", "PA02", "PU02"}})
	for _, r := range []*journey.Record{
		record(200, "ams"), record(200, "ams"), record(404, "ord"), record(201, "ams", "ord"), cut, refused, failed, tunnel, loop, retried,
	} {
		m.Record(r)
	}
	wantLines(t, scrape(t, m),
		`homing_requests_total{class="2xx",edge="ams",method="GET",region="ams"} 3`,
		`homing_requests_total{class="4xx",edge="ams",method="GET",region="ord"} 1`,
		`homing_requests_total{class="2xx",edge="ams",method="GET",region="ord"} 1`,
		`homing_requests_total{class="none",edge="ams",method="GET",region="none"} 1`,
		`homing_requests_total{class="4xx",edge="ams",method="other",region="none"} 1`,
		`homing_requests_total{class="5xx",edge="ams",method="GET",region="none"} 2`,
		`homing_requests_total{class="1xx",edge="ams",method="GET",region="ord"} 1`,
		`homing_request_duration_seconds_count{answered="local",edge="ams"} 3`,
		`homing_request_duration_seconds_count{answered="remote",edge="ams"} 1`,
		`homing_request_duration_seconds_count{answered="replayed",edge="ams"} 1`,
		`homing_request_duration_seconds_count{answered="none",edge="ams"} 4`,
		`homing_request_duration_seconds_bucket{answered="replayed",edge="ams",le="0.025"} 0`,
		`homing_request_duration_seconds_bucket{answered="replayed",edge="ams",le="0.05"} 1`,
		`homing_request_hops_bucket{le="0"} 1`, `homing_request_hops_bucket{le="1"} 7`, `homing_request_hops_bucket{le="2"} 10`,
		`homing_errors_total{code="BAD"} 1`, `homing_errors_total{code="PA02"} 1`, `homing_errors_total{code="PU02"} 1`,
		`homing_errors_total{code="other"} 0`, `homing_replays_total{reason="method"} 2`, `homing_replays_total{reason="other"} 1`)
}

func TestWaitsAreThoseOfRequestsThatAskForAPosition(t *testing.T) {
	m := metrics.New(metrics.Config{})
	for _, d := range []decision.Decision{
		{Reason: decision.Read},
		{Reason: decision.Reached, Wanted: "1", Found: "1"},
		{Reason: decision.Waited, Wanted: "2", Found: "1", Waited: 7 * time.Millisecond},
	} {
		r := record(200, "ams")
		r.Hops[0].Decision = d
		m.Record(r)
	}
	wantLines(t, scrape(t, m), `homing_position_wait_seconds_count 2`, `homing_position_wait_seconds_sum 0.007`,
		`homing_position_wait_seconds_bucket{le="0.001"} 1`, `homing_position_wait_seconds_bucket{le="0.01"} 2`)
}

// TestNobodyOutsideChoosesALabel: each label of a client's choice would be kept for
// ever.
func TestNobodyOutsideChoosesALabel(t *testing.T) {
	m := metrics.New(metrics.Config{Codes: []string{"BAD"}})
	for i := range 1000 {
		r := record(200+i%7, "ams", "ord")
		r.Method, r.Host, r.Path, r.ID = fmt.Sprint("M", i), fmt.Sprint("host", i), fmt.Sprint("/path", i), fmt.Sprint("id", i)
		r.Code, r.Problem = fmt.Sprint("NEW", i), fmt.Sprint("problem", i)
		r.Hops[0].Decision.Reason = decision.Reason(fmt.Sprint("reason", i))
		m.Record(r)
	}
	text := scrape(t, m)
	wantLines(t, text, `homing_errors_total{code="other"} 1000`, `homing_replays_total{reason="other"} 1000`,
		`homing_requests_total{class="2xx",edge="ams",method="other",region="ord"} 1000`)
	if n := strings.Count(text, "\nhoming_"); n > 100 {
		t.Errorf("there are %d lines", n)
	}
}

func TestGaugesAreAskedWhenRead(t *testing.T) {
	m := metrics.New(metrics.Config{})
	kept := int64(7)
	gauge := func(edge region.Code) metrics.Gauge {
		return metrics.Gauge{Name: "kept_body_bytes", Help: "Bytes kept.", Edge: edge, Value: func() int64 { return kept }}
	}
	for _, edge := range []region.Code{"ams", "ord"} {
		if err := m.Add(gauge(edge)); err != nil {
			t.Fatal(err)
		}
	}
	kept = 8
	wantLines(t, scrape(t, m), `homing_kept_body_bytes{edge="ams"} 8`, `homing_kept_body_bytes{edge="ord"} 8`)
	bad := gauge("ams")
	bad.Name = "no name"
	for _, g := range []metrics.Gauge{gauge("ams"), bad} {
		if err := m.Add(g); err == nil || !strings.Contains(err.Error(), g.Name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q was added again, or: %v", g.Name, err)
		}
	}
}

func TestNamesFollowPrometheussRules(t *testing.T) {
	m := metrics.New(metrics.Config{Codes: []string{"PA01"}})
	m.Record(record(200, "ams"))
	problems, err := promlint.New(strings.NewReader(scrape(t, m))).Lint()
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestRecordingAndReadingMayHappenAtOnce(t *testing.T) {
	m := metrics.New(metrics.Config{})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				m.Record(record(200, "ams", "ord"))
			}
		})
	}
	scrape(t, m)
	wait.Wait()
	wantLines(t, scrape(t, m), `homing_request_hops_count 800`)
}

func BenchmarkRecord(b *testing.B) {
	m, r := metrics.New(metrics.Config{}), record(200, "ams", "ord")
	b.ReportAllocs()
	for b.Loop() {
		m.Record(r)
	}
}
