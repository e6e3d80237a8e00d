package postgres

import (
	"context"
	"sync"
	"time"

	"homing/machine"
)

// askAgain is how long after a question the primary is asked the next.
const askAgain = 30 * time.Second

// kin finds out whether the database here is of the primary's cluster. The primary is
// asked once, far away and on the side; again only while it does not answer, or while
// its answer takes the database here out of use. It is used by one goroutine.
type kin struct {
	life context.Context
	ask  func(context.Context) (facts, error) // nil: there is nobody to ask
	came func()                               // an answer has come

	asked   time.Time // when the last question began
	asking  bool
	answers chan testimony
	last    testimony // the last that is no error
	done    sync.WaitGroup
}

// testimony is what the primary said of itself, after the cluster here was seen.
type testimony struct {
	system  string // the cluster here
	primary facts
	err     error
}

func newKin(life context.Context, db *DB) *kin {
	k := &kin{life: life, answers: make(chan testimony, 1)}
	c := &db.cfg
	if c.wants() == machine.Replica && !samePlace(c.Pool, c.Primary) {
		k.ask = db.askPrimary
		k.came = func() {
			db.doubts.raise()
			db.rouse()
		}
	}
	return k
}

// wants is what the database of this region is by the settings; None if they do not say.
func (c *Config) wants() machine.Role {
	if c.Region == "" {
		return machine.None
	}
	return machine.Env{Region: c.Region, PrimaryRegion: c.PrimaryRegion}.Role()
}

// askPrimary asks the primary what it is.
func (db *DB) askPrimary(ctx context.Context) (facts, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	conn, err := connect(ctx, db.cfg.Primary)
	if err != nil {
		return facts{}, err
	}
	defer drop(conn)
	l, err := lookAt(ctx, conn)
	return l.facts(), err
}

// primary returns what the primary has said of itself since the database here was first
// seen to be of this cluster; nil if it has not. What it said before may not be true any
// more: clusters are replaced, and their URLs stay.
func (k *kin) primary(system string) *facts {
	select {
	case a := <-k.answers:
		k.asking = false
		if a.err == nil {
			k.last = a
		}
	default:
	}
	if system == "" || k.ask == nil {
		return nil
	}
	answered := k.last.system == system
	if foreign := k.last.primary.isForeign(system); !answered || foreign {
		k.askFor(system)
	}
	if !answered {
		return nil
	}
	return &k.last.primary
}

// isForeign reports whether both clusters are known and are two.
func (f facts) isForeign(system string) bool {
	return f.SystemID != "" && system != "" && f.SystemID != system
}

func (k *kin) askFor(system string) {
	if k.asking || !k.asked.IsZero() && time.Since(k.asked) < askAgain {
		return
	}
	k.asking, k.asked = true, time.Now()
	k.done.Go(func() {
		f, err := k.ask(k.life)
		k.answers <- testimony{system, f, err}
		k.came()
	})
}
