package homing

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"homing/machine"
	"homing/position"
	"homing/region"
)

// Health is what a machine's check is told, as JSON.
type Health struct {
	Healthy bool   `json:"healthy"`
	Why     string `json:"why,omitempty"` // in words; empty where all is well

	Region   region.Code       `json:"region,omitempty"`
	Role     string            `json:"role"` // primary, replica or none
	Epoch    position.Epoch    `json:"epoch,omitempty"`
	Position position.Position `json:"position,omitempty"`
	// LagSeconds and LagBytes are a replica's, absent where they are not known.
	LagSeconds *float64 `json:"lag_seconds,omitempty"`
	LagBytes   *int64   `json:"lag_bytes,omitempty"`
}

// Health returns a handler for the check of a machine: 200 where the database here
// can be read and is not further behind than [Config.MaxLag], else 503, with a
// [Health] as JSON either way. Mount it at one of the paths that are always answered
// where they arrive, such as /healthz. Without regions it says 200.
func (s *Site) Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := s.health(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !h.Healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(h) // a checker that has gone needs no answer
	})
}

// healthTimeout bounds reading the position: a check that hangs is as bad as one
// that fails, and says less.
const healthTimeout = time.Second

func (s *Site) health(ctx context.Context) Health {
	h := Health{Healthy: true, Region: s.cfg.Region, Role: machine.None.String()}
	if s.off() || s.cfg.Database == nil {
		h.Why = "no database is configured"
		return h
	}
	st := s.cfg.Database.State()
	h.Role, h.Epoch = st.Role.String(), st.Epoch
	if st.Role == machine.None {
		h.Healthy, h.Why = false, "the database here cannot be read, or what it is is not known yet"
		if t, ok := s.cfg.Database.(Troubled); ok && t.Problem() != "" {
			h.Why = t.Problem()
		}
		return h
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	h.Position, _ = s.cfg.Database.Position(ctx) // without one, all else still counts
	if l, ok := s.cfg.Database.(Laggard); ok && st.Role == machine.Replica {
		h.setLag(l.Lag(), s.cfg.MaxLag)
	}
	return h
}

func (h *Health) setLag(lag position.Lag, limit time.Duration) {
	if !lag.Known {
		return
	}
	seconds := lag.Behind.Seconds()
	h.LagSeconds = &seconds
	if lag.Bytes >= 0 {
		h.LagBytes = &lag.Bytes
	}
	if lag.Behind > limit {
		h.Healthy = false
		h.Why = fmt.Sprintf("the replica is %v behind, and %v is the most", lag.Behind.Round(time.Millisecond), limit)
	}
}
