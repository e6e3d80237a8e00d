package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"homing/dev"
	"homing/machine"
	"homing/region"
)

// control lets requests do what can be done.
func (d *dashboard) control(mux *http.ServeMux) {
	for _, a := range Actions() {
		mux.Handle("POST /regions/{region}/"+a.Verb, sameOrigin(d.act(a)))
		if a.Machines {
			mux.Handle("POST /regions/{region}/machines/{machine}/"+a.Verb, sameOrigin(d.act(a)))
		}
	}
}

// act returns a handler that does a to what the path names.
func (d *dashboard) act(a Action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, ok := d.target(r.PathValue("region"), r.PathValue("machine"))
		if !ok {
			http.Error(w, fmt.Sprintf("there is no region %.80q here", r.PathValue("region")), http.StatusNotFound)
			return
		}
		// A page that is closed meanwhile must not leave anything half done.
		if err := a.Do(context.WithoutCancel(r.Context()), d.cfg.World, t); err != nil {
			http.Error(w, oneLine(err), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// target finds a region, and a machine by its ID or by its number there: logs call it
// "gru/2". Whether there is such a machine the world will say.
func (d *dashboard) target(code, id string) (Target, bool) {
	all := d.cfg.World.Statuses()
	at := slices.IndexFunc(all, func(s dev.Status) bool { return string(s.Region) == code })
	if at < 0 {
		return Target{}, false
	}
	machines := all[at].Machines
	known := slices.ContainsFunc(machines, func(m dev.MachineStatus) bool { return string(m.ID) == id })
	if n, err := strconv.Atoi(id); err == nil && !known && n >= 1 && n <= len(machines) {
		id = string(machines[n-1].ID)
	}
	return Target{Region: region.Code(code), Machine: machine.ID(id)}, true
}

// oneLine writes an error that may be several, joined.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}
