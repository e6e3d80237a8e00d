package postgres

import (
	"fmt"

	"homing/machine"
)

// comparison is how much was known when a look was held against the settings.
type comparison int

const (
	withNothing comparison = iota
	alone                  // with the server here
	withPrimary            // and with what the primary says of itself
)

// suspect holds a look against what the settings want. One that is too old or of another
// cluster is not used. A role that differs is only told, and at the first look: the
// primary may have moved since.
func (w *watch) suspect(l *look) {
	here := l.facts()
	primary, known := w.kin.primary(here.SystemID), alone
	if primary != nil {
		known = withPrimary
	}
	text := mismatch(machine.None, primary, here)
	if text != "" {
		l.role, l.epoch, l.problem = machine.None, "", text
	} else if known > w.compared {
		text = mismatch(w.db.cfg.wants(), primary, here)
	}
	w.compared = max(w.compared, known)
	if text != "" && text != w.told {
		w.db.log.Warn(text)
		w.told = text
	}
}

// facts is what a server said of itself. A zero field is not known.
type facts struct {
	InRecovery bool   // it is a replica
	SystemID   string // the same on all servers of a cluster
	Version    int    // server_version_num, such as 150018
	ServerAddr string // where the server listens, as it says itself
}

// leastVersion is PostgreSQL 14, the oldest that still gets fixes when this is
// written, and the oldest that the tests' clusters can be made of.
const leastVersion = 14_00_00

// mismatch says in one line why the server that was found here is not what a
// machine wants, or nothing. What the primary is may be unknown: nil.
func mismatch(want machine.Role, primary *facts, here facts) string {
	switch {
	case here.Version != 0 && here.Version < leastVersion:
		return fmt.Sprintf("postgres: the server is PostgreSQL %s; want %s or newer", version(here.Version), version(leastVersion))
	case primary != nil && primary.isForeign(here.SystemID):
		return fmt.Sprintf("postgres: the database of this region belongs to another cluster than the primary (system identifiers %s and %s); correct one of the URLs",
			here.SystemID, primary.SystemID)
	case want == machine.Primary && here.InRecovery:
		return "postgres: the primary's URL leads to a replica; correct DATABASE_URL, or PRIMARY_REGION if another server was promoted"
	case want == machine.Replica && !here.InRecovery:
		return notReplica(primary, here)
	}
	return ""
}

func notReplica(primary *facts, here facts) string {
	const wrong = "postgres: the replica's URL of this region leads to "
	switch {
	case primary != nil && primary.InRecovery:
		return wrong + "the primary, and the primary's URL to a replica; exchange them, or set PRIMARY_REGION to this region if the server was promoted"
	case primary != nil && here.ServerAddr != "" && primary.ServerAddr == here.ServerAddr:
		return wrong + "the same server as the primary's; want a replica's"
	}
	return wrong + "a primary; correct it, or set PRIMARY_REGION to this region if the server was promoted"
}

func version(num int) string {
	const newCount = 10_00_00 // two numbers instead of three
	if num < newCount {
		return fmt.Sprintf("%d.%d.%d", num/10000, num/100%100, num%100)
	}
	if num%10000 == 0 {
		return fmt.Sprint(num / 10000)
	}
	return fmt.Sprintf("%d.%d", num/10000, num%10000)
}
