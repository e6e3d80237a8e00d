package edge

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"homing/decision"
	"homing/fleet"
	"homing/forward"
	"homing/machine"
	"homing/primary"
	"homing/region"
	"homing/replay"
)

// A request goes home when a handler of ours says so; one that an app sends to a
// region for a reason of its own goes there and nowhere else. Home is where the
// primary is when a machine is chosen, not where it was when the handler decided:
// it may be moving just then.

// errNoPrimary: the request belongs at the primary, and none has appeared in time.
var errNoPrimary = errors.New("the app's database has no primary now; the request was not carried out, and may be sent again")

// vigil is those who wait for a primary. Safe for concurrent use.
type vigil struct {
	patience time.Duration
	most     int64
	waiting  atomic.Int64
}

// tellPrimary tells a machine where its app's primary is.
func (t *trip) tellPrimary(m *fleet.Machine) {
	if place := t.fleet.PrimaryHeader(m.App); place != "" {
		t.header.Set(replay.PrimaryHeader, place)
	} else {
		t.header.Del(replay.PrimaryHeader)
	}
}

// hear notes what a machine says of its database.
func (t *trip) hear(m *fleet.Machine, answer *forward.Response) {
	if answer.Header.Count(replay.RoleHeader) != 1 {
		return
	}
	claim, err := primary.ParseClaim(answer.Header.Get(replay.RoleHeader))
	if err != nil {
		t.edge.cfg.Logger.Debug("a machine's role cannot be read", "app", m.App, "machine", m.ID, "error", err)
		return
	}
	t.edge.cfg.Fleet.SetClaim(m.App, m.ID, claim)
}

// isHomeward reports whether a replay is one of our handler's, for the primary.
func isHomeward(in replay.Instruction, d decision.Decision) bool {
	plain := in.App == "" && in.Instance == "" && in.PreferInstance == "" && len(in.Regions) == 1
	return plain && d.Reason.IsHome()
}

// headHome aims a request that goes home at the primary's region. While there is no
// primary it waits for one, if not too many do.
func (t *trip) headHome() error {
	if !t.homeward {
		return nil
	}
	place := t.edge.cfg.Fleet.Snapshot().Primary(t.wish.App)
	if t.waitsFor(place) {
		t.hop.waited = true
		var err error
		if place, err = t.edge.vigil.await(&t.life, t.edge.cfg.Fleet, t.wish.App, t.waitsFor); err != nil {
			return err
		}
	}
	if place.Region != "" {
		t.wish.Replay.Regions = []region.Code{place.Region}
		t.wish.Replay.Elsewhere = !t.isPrimary(t.wish.Origin)
	}
	return nil
}

// waitsFor reports whether a request that goes home is kept while this is all that is
// known of the primary. While a machine has not told yet, the handler may know better
// where that is; once one that was sent there has come back, nobody does.
func (t *trip) waitsFor(p primary.Place) bool {
	return p.Missing() || t.cameBack && p.Unheard && p.Epoch != ""
}

// isPrimary reports whether a machine says now that its database is the primary. The
// one that has sent a request home may have been promoted while the request waited; if
// it has not, the primary is another's, even where that is in the same region.
func (t *trip) isPrimary(id machine.ID) bool {
	m, ok := t.edge.cfg.Fleet.Snapshot().Machine(t.wish.OriginApp, id)
	return ok && m.Claim.Role == machine.Primary
}

// await returns where the primary is as soon as that need not be waited for.
func (v *vigil) await(ctx context.Context, f *fleet.Fleet, app machine.App, waitsFor func(primary.Place) bool) (primary.Place, error) {
	defer v.waiting.Add(-1)
	if v.waiting.Add(1) > v.most {
		return primary.Place{}, errNoPrimary
	}
	patience := time.NewTimer(v.patience)
	defer patience.Stop()
	for {
		s := f.Snapshot()
		if place := s.Primary(app); !waitsFor(place) {
			return place, nil
		}
		select {
		case <-s.Changed():
		case <-patience.C:
			return primary.Place{}, errNoPrimary
		case <-ctx.Done():
			return primary.Place{}, context.Cause(ctx)
		}
	}
}
