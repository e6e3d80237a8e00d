package postgres

import (
	"errors"
	"fmt"
	"time"
)

// errSpread: one address leads to several servers, so that the one which was asked
// for its position need not be the one that is read.
var errSpread = fmt.Errorf("the address leads to several servers, one after the other; give this region the address of one: %w", errors.ErrUnsupported)

// identities remembers which servers were seen lately.
type identities struct {
	now   string
	since time.Time
	left  map[string]time.Time // servers that were seen before this one, and until when
	many  bool
}

const (
	// turn is how soon a server comes back where several take turns. One that failed
	// and is used again takes longer.
	turn = time.Minute
	// settled is how long one server alone must be seen to be believed again.
	settled = 5 * time.Minute
)

// spread notes which server was seen, and reports whether several take turns. One that
// is started anew, or takes another's place, is not seen again soon.
func (i *identities) spread(server string) bool {
	if server == i.now {
		i.many = i.many && time.Since(i.since) < settled
		return i.many
	}
	if left, back := i.left[server]; back && time.Since(left) < turn {
		i.many = true
	}
	for name, left := range i.left {
		if time.Since(left) >= turn {
			delete(i.left, name)
		}
	}
	if i.left == nil {
		i.left = make(map[string]time.Time)
	}
	if i.now != "" {
		i.left[i.now] = time.Now()
	}
	i.now, i.since = server, time.Now()
	return i.many
}
