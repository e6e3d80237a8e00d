package fleet_test

import (
	"testing"

	"homing/fleet"
	"homing/machine"
	"homing/primary"
)

func TestThePrimaryFollowsWhatMachinesClaim(t *testing.T) {
	f := fleet.New(nil, fleet.Machine{App: "web", ID: "a", Region: "ord"}, fleet.Machine{App: "web", ID: "b", Region: "ams"},
		fleet.Machine{App: "blog", ID: "a", Region: "gru"})
	for _, step := range []struct {
		id       machine.ID
		claim    primary.Claim
		want     primary.Place
		disputed bool
	}{
		{"b", primary.Claim{Role: machine.Replica, Epoch: "h:1"}, primary.Place{Epoch: "h:1", Unheard: true}, false},
		{"a", primary.Claim{Role: machine.Primary, Epoch: "h:1"}, primary.Place{Region: "ord", Epoch: "h:1"}, false},
		{"a", primary.Claim{}, primary.Place{Epoch: "h:1"}, false},
		{"b", primary.Claim{Role: machine.Primary, Epoch: "h:2"}, primary.Place{Region: "ams", Epoch: "h:2"}, false},
		{"a", primary.Claim{Role: machine.Primary, Epoch: "h:1"}, primary.Place{Region: "ams", Epoch: "h:2"}, false},
		{"a", primary.Claim{Role: machine.Primary, Epoch: "i:1"}, primary.Place{Epoch: "h:2"}, true},
		{"nobody", primary.Claim{Role: machine.Primary, Epoch: "h:9"}, primary.Place{Epoch: "h:2"}, true},
	} {
		f.SetClaim("web", step.id, step.claim)
		s := f.Snapshot()
		if got := s.Primary("web"); got != step.want || s.Disputed("web") != step.disputed {
			t.Errorf("%s claims %+v: %+v, disputed %v", step.id, step.claim, got, s.Disputed("web"))
		}
		if got := s.Primary("blog"); got.Known() {
			t.Errorf("another app's primary is %+v", got)
		}
	}
}

func TestAClaimThatIsKnownChangesNothing(t *testing.T) {
	f := fleet.New(nil, fleet.Machine{App: "web", ID: "a", Region: "ord"})
	f.SetClaim("web", "a", primary.Claim{Role: machine.Primary, Epoch: "h:1"})
	before := f.Snapshot()
	f.SetClaim("web", "a", primary.Claim{Role: machine.Primary, Epoch: "h:1", Lag: 1})
	if f.Snapshot() != before {
		t.Error("there is a new snapshot")
	}
}

func TestAnUpdateKeepsWhatWasSeenOfEpochs(t *testing.T) {
	f := fleet.New(nil, fleet.Machine{App: "web", ID: "a", Region: "ord"})
	f.SetClaim("web", "a", primary.Claim{Role: machine.Primary, Epoch: "h:2"})
	f.Update(fleet.Machine{App: "web", ID: "a", Region: "ord", Healthy: true}) // says nothing now
	if got := f.Snapshot().Primary("web"); got != (primary.Place{Epoch: "h:2", Unheard: true}) {
		t.Errorf("got %+v", got)
	}
}
