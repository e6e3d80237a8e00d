package dev

import (
	"errors"
	"fmt"

	"homing/region"
)

// Cut cuts a region off from all others (on), or ends that. What crosses breaks, and
// cannot be made anew: edges' connections to machines, what is replicated, and apps'
// connections to databases of this world. What is within the region goes on, and users
// there reach their edge. What apps connect to by themselves is not seen here. Of two
// regions that are both cut off, neither reaches the other until both are not.
func (w *World) Cut(r region.Code, on bool) error {
	if _, ok := w.places[r]; !ok {
		return fmt.Errorf("there is no region %q here", r)
	}
	if len(w.places) == 1 {
		return errors.New("there is no other region to be cut off from")
	}
	w.moving.Lock() // a primary that moves needs the way
	defer w.moving.Unlock()
	w.setCut(r, on)
	home := w.databases.home()
	for _, r := range w.cfg.Regions {
		if r != home {
			w.databases.reach(r, !w.parted(home, r))
		}
	}
	return nil
}

// setCut notes it, and has the links that exist follow.
func (w *World) setCut(r region.Code, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[r] = on
	for ends, l := range w.links {
		if w.partedLocked(ends[0], ends[1]) {
			l.Cut()
		} else {
			l.Mend()
		}
	}
}

// isCut reports whether a region is cut off.
func (w *World) isCut(r region.Code) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut[r]
}

// parted reports whether nothing gets from a to b.
func (w *World) parted(a, b region.Code) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.partedLocked(a, b)
}

func (w *World) partedLocked(a, b region.Code) bool { return a != b && (w.cut[a] || w.cut[b]) }

// allJoined is an error if any region is cut off: a primary that is handed over
// needs all of them.
func (w *World) allJoined() error {
	for _, r := range w.cfg.Regions {
		if w.isCut(r) {
			return fmt.Errorf("%s is cut off; reconnect it first, or stop its machines to see an outage", r)
		}
	}
	return nil
}
