package primary

import (
	"homing/machine"
	"homing/position"
	"homing/region"
)

// Witness is a claim and where it comes from.
type Witness struct {
	Region region.Code
	Claim  Claim
	Silent bool // it has not told anything yet
}

// Resolve returns where the primary is by what all machines of an app claim, given
// what was known before: an epoch that was seen once counts for ever, so that an old
// primary which comes back stays replaced. disputed says that two regions claim to be
// primary and nothing tells which: there is none then, and an operator has to know.
func Resolve(before Place, all []Witness) (now Place, disputed bool) {
	newest := before.Epoch
	for _, w := range all {
		if order, ok := newest.Compare(w.Claim.Epoch); newest == "" || ok && order < 0 {
			newest = w.Claim.Epoch
		}
	}
	now = Place{Epoch: newest}
	for _, w := range all {
		now.Unheard = now.Unheard || w.Silent
		if w.Claim.Role != machine.Primary || replaced(w.Claim.Epoch, newest) {
			continue
		}
		if now.Region != "" && now.Region != w.Region {
			return Place{Epoch: newest}, true
		}
		now.Region = w.Region
		now.Epoch = w.Claim.Epoch
	}
	if now.Region != "" {
		now.Unheard = false // whoever may come is compared with this one
	}
	return now, false
}

// replaced reports whether a primary of epoch e is older than newest.
func replaced(e, newest position.Epoch) bool {
	order, ok := e.Compare(newest)
	return ok && order < 0
}
