package metrics

import (
	"net/http"

	"homing/decision"
	"homing/journey"
)

// Values of labels that stand for all others, and for nothing.
const (
	other = "other"
	none  = "none"
)

// reason returns why a machine asked for a replay. Apps that are not ours give no
// reason, or one that nobody has a list of.
func reason(r decision.Reason) string {
	if r.IsHome() {
		return string(r)
	}
	return other
}

func (m *Metrics) code(c string) string {
	if m.codes[c] {
		return c
	}
	return other
}

// method returns a method that everybody knows (RFC 9110 §9.3, RFC 5789), or "other":
// a client can make up any.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return other
}

// class returns the first digit of a status and "xx".
func class(status int) string {
	if status < 100 || status > 599 {
		return none
	}
	return classes[status/100-1]
}

var classes = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// machineAnswered reports whether the client has an answer of a machine, though perhaps
// not all of it.
func machineAnswered(r *journey.Record) bool {
	last := r.Last()
	return r.Status != 0 && last.Status == r.Status && !last.Replayed
}

func regionOf(r *journey.Record) string {
	if !machineAnswered(r) {
		return none
	}
	return string(r.Last().Region)
}

// answered says in one word where a request was answered.
func answered(r *journey.Record) string {
	switch {
	case !machineAnswered(r):
		return none
	case len(r.Hops) > 1 && replayed(r):
		return "replayed"
	case r.Last().Region == r.Edge:
		return "local"
	}
	return "remote"
}

func replayed(r *journey.Record) bool {
	for i := range r.Hops {
		if r.Hops[i].Replayed {
			return true
		}
	}
	return false
}
