package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"homing/dev"
	"homing/machine"
	"homing/region"
)

const (
	// runTimeout bounds how long a machine may take to start or stop.
	runTimeout = 30 * time.Second
	// promoteTimeout bounds how long the primary may take to move.
	promoteTimeout = time.Minute
)

func (d *dashboard) hold(on bool) http.HandlerFunc {
	return d.control(http.StatusConflict, func(_ context.Context, r region.Code) error {
		return d.cfg.World.Hold(r, on)
	})
}

func (d *dashboard) run(on bool) http.HandlerFunc {
	return d.control(http.StatusInternalServerError, func(ctx context.Context, r region.Code) error {
		// A page that is closed meanwhile must not leave a machine half started.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), runTimeout)
		defer cancel()
		return d.cfg.World.Run(ctx, r, on)
	})
}

func (d *dashboard) runMachine(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := machine.ID(r.PathValue("machine"))
		d.control(http.StatusConflict, func(ctx context.Context, r region.Code) error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), runTimeout)
			defer cancel()
			return d.cfg.World.RunMachine(ctx, r, id, on)
		})(w, r)
	}
}

func (d *dashboard) promote() http.HandlerFunc {
	return d.control(http.StatusConflict, func(ctx context.Context, r region.Code) error {
		// A page that is closed meanwhile must not leave it half done.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), promoteTimeout)
		defer cancel()
		return d.cfg.World.Promote(ctx, r)
	})
}

// control returns a handler that does one thing to the region in the path, and
// answers with the status failed if the world cannot do it.
func (d *dashboard) control(failed int, do func(context.Context, region.Code) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		code := region.Code(r.PathValue("region"))
		known := slices.ContainsFunc(d.cfg.World.Statuses(), func(s dev.Status) bool { return s.Region == code })
		if !known {
			http.Error(w, fmt.Sprintf("there is no region %.80q here", string(code)), http.StatusNotFound)
			return
		}
		if err := do(r.Context(), code); err != nil {
			http.Error(w, oneLine(err), failed)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// oneLine writes an error that may be several, joined.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}
