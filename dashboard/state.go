package dashboard

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"homing/dev"
	"homing/journey"
	"homing/region"
)

// regionState is a [dev.Status] as JSON.
type regionState struct {
	Region     string  `json:"region"`
	City       string  `json:"city"`
	Machine    string  `json:"machine"`
	EdgeURL    string  `json:"edge_url"`
	DistanceMS float64 `json:"distance_ms"`
	Role       string  `json:"role"`
	Running    bool    `json:"running"`
	Position   string  `json:"position"`
	LagMS      float64 `json:"lag_ms"`
	LagBytes   *int64  `json:"lag_bytes"` // null: the database does not count
	Behind     bool    `json:"behind"`
	Held       bool    `json:"held"`
	Cut        bool    `json:"cut"`
	Waiting    int     `json:"waiting"`
	Problem    string  `json:"problem"`
	Primary    bool    `json:"primary"` // has the primary now; while there is none: had it last
	// NoDatabase says that position, lag and the like have no meaning here.
	NoDatabase bool           `json:"no_database,omitempty"`
	Machines   []machineState `json:"machines,omitempty"`
}

// machineState is a [dev.MachineStatus] as JSON.
type machineState struct {
	ID      string `json:"id"`
	Addr    string `json:"addr"`
	Running bool   `json:"running"`
	Ready   bool   `json:"ready"`
	Problem string `json:"problem"`
	// Checks are those that decide nothing; none: the app has no such checks.
	Checks []checkState `json:"checks,omitempty"`
}

// checkState is a [dev.CheckStatus] as JSON.
type checkState struct {
	Name    string `json:"name"`
	State   string `json:"state"` // "passing", "failing" or, before it was asked, "unknown"
	Problem string `json:"problem"`
	Output  string `json:"output"`
}

// journeyState is a [journey.Record] as JSON.
type journeyState struct {
	ID      string  `json:"id"`
	At      string  `json:"at"` // RFC 3339 with milliseconds, UTC
	Edge    string  `json:"edge"`
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Status  int     `json:"status"`
	Code    string  `json:"code"`
	Problem string  `json:"problem"`
	TookMS  float64 `json:"took_ms"`
	// AtHomeMS is [journey.Record.AtHome]; null where nothing answered, so that
	// there is nothing to estimate from.
	AtHomeMS *float64   `json:"at_home_ms"`
	Hops     []hopState `json:"hops"`
}

// hopState is a [journey.Hop] as JSON. Reason, words, action and role are empty
// where the machine said nothing of its decision.
type hopState struct {
	Machine  string  `json:"machine"`
	Region   string  `json:"region"`
	StartMS  float64 `json:"start_ms"`
	TookMS   float64 `json:"took_ms"`
	WayMS    float64 `json:"way_ms"`
	Status   int     `json:"status"`
	Replayed bool    `json:"replayed"`
	Reason   string  `json:"reason"`
	Words    string  `json:"words"`
	Action   string  `json:"action"`
	Role     string  `json:"role"`
	Wanted   string  `json:"wanted"`
	Found    string  `json:"found"`
	WaitedMS float64 `json:"waited_ms"`
	Problem  string  `json:"problem"`
}

// shown is how many journeys are kept on the page.
const shown = 50

func (d *dashboard) regionList(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(d.regions()) // a client that has gone needs no answer
}

func (d *dashboard) state(w http.ResponseWriter, _ *http.Request) {
	journeys, _, _ := d.journeys(0)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct { // a client that has gone needs no answer
		Regions  []regionState  `json:"regions"`
		Journeys []journeyState `json:"journeys"`
	}{d.regions(), journeys})
}

func (d *dashboard) regions() []regionState {
	list := []regionState{}
	for _, s := range d.cfg.World.Statuses() {
		list = append(list, regionState{
			Region: string(s.Region), City: s.Region.City(), Machine: string(s.Machine), EdgeURL: s.EdgeURL(),
			DistanceMS: ms(s.Distance), Role: s.Role.String(), Running: s.Running, Position: string(s.Position),
			LagMS: ms(s.Lag), LagBytes: counted(s.Bytes), Behind: s.Behind, Held: s.Held, Cut: s.Cut, Waiting: s.Waiting, Problem: s.Problem,
			Primary: s.Primary, NoDatabase: s.NoDatabase, Machines: machines(s.Machines),
		})
	}
	return list
}

func machines(all []dev.MachineStatus) []machineState {
	var list []machineState
	for _, m := range all {
		list = append(list, machineState{ID: string(m.ID), Addr: m.Addr, Running: m.Running, Ready: m.Ready, Problem: m.Problem, Checks: checks(m.Checks)})
	}
	return list
}

func checks(all []dev.CheckStatus) []checkState {
	var list []checkState
	for _, c := range all {
		state := "unknown"
		switch {
		case c.Known && c.Problem == "":
			state = "passing"
		case c.Known:
			state = "failing"
		}
		list = append(list, checkState{c.Name, state, c.Problem, c.Output})
	}
	return list
}

// counted is null for what is not counted.
func counted(bytes int64) *int64 {
	if bytes < 0 {
		return nil
	}
	return &bytes
}

// home is the region that has the primary now.
func (d *dashboard) home() region.Code {
	for _, s := range d.cfg.World.Statuses() {
		if s.Primary {
			return s.Region
		}
	}
	return d.cfg.Primary
}

// journeys returns those that were added after the first n, at most the newest
// that the page shows; the other results are those of [journey.Log.Since].
func (d *dashboard) journeys(n uint64) ([]journeyState, uint64, <-chan struct{}) {
	records, count, more := d.cfg.World.Journeys().Since(n)
	if len(records) > shown {
		records = records[len(records)-shown:]
	}
	distances := make(map[region.Code]time.Duration)
	for _, s := range d.cfg.World.Statuses() {
		distances[s.Region] = s.Distance
	}
	list := make([]journeyState, len(records))
	for i, r := range records {
		list[i] = newJourney(r)
		if home, ok := distances[r.Edge]; ok && r.Last().Status != 0 && r.Code == "" {
			estimate := ms(r.AtHome(home))
			list[i].AtHomeMS = &estimate
		}
	}
	return list, count, more
}

// journeyLines writes what the page shows as text.
func (d *dashboard) journeyLines(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, Lines(d.cfg.World, shown)) // a client that has gone needs no answer
}

// Lines are the last n requests as text, a line for each, the newest last.
func Lines(w World, n int) string {
	records, _, _ := w.Journeys().Since(0)
	var text strings.Builder
	for _, r := range records[max(0, len(records)-n):] {
		text.WriteString(r.Line() + "\n")
	}
	return text.String()
}

func newJourney(r *journey.Record) journeyState {
	j := journeyState{
		ID: r.ID, At: r.Start.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Edge: string(r.Edge),
		Method: r.Method, Path: r.Path, Status: r.Status, Code: r.Code, Problem: r.Problem,
		TookMS: ms(r.Duration), Hops: make([]hopState, len(r.Hops)),
	}
	for i, h := range r.Hops {
		j.Hops[i] = newHop(h)
	}
	return j
}

func newHop(h journey.Hop) hopState {
	s := hopState{
		Machine: string(h.Machine), Region: string(h.Region), StartMS: ms(h.Start), TookMS: ms(h.Took), WayMS: ms(h.Way),
		Status: h.Status, Replayed: h.Replayed, Problem: h.Problem,
	}
	if d := h.Decision; d.Reason != "" {
		s.Reason, s.Words, s.Action, s.Role = string(d.Reason), d.Reason.Words(), d.Action(), d.Role.String()
		s.Wanted, s.Found, s.WaitedMS = string(d.Wanted), string(d.Found), ms(d.Waited)
	}
	return s
}

// ms counts milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
