package postgres

import (
	"strings"
	"testing"

	"homing/machine"
)

func TestMismatch(t *testing.T) {
	const us, them = "7001", "7002"
	primary := &facts{SystemID: us, Version: 150018, ServerAddr: "10.0.0.1"}
	for _, tt := range []struct {
		behaviour string
		want      machine.Role
		primary   *facts
		here      facts
		says      []string // none: all is well
	}{
		{"a replica of the primary", machine.Replica, primary, facts{true, us, 150018, "10.0.0.2"}, nil},
		{"the primary", machine.Primary, nil, facts{false, us, 150018, "10.0.0.1"}, nil},
		{"the primary, seen twice", machine.Primary, primary, *primary, nil},
		{"a replica of which little is known", machine.Replica, nil, facts{InRecovery: true}, nil},
		{"a replica that does not know its cluster", machine.Replica, primary, facts{InRecovery: true}, nil},
		{"a role that does not matter", machine.None, nil, facts{}, nil},
		{"the oldest that will do", machine.Replica, nil, facts{true, us, 140000, ""}, nil},
		{"a replica's URL leads to a primary", machine.Replica, nil, facts{false, us, 150018, "10.0.0.2"}, []string{"leads to a primary", "PRIMARY_REGION"}},
		{"a replica's URL leads to the primary", machine.Replica, primary, *primary, []string{"same server", "replica's"}},
		{"two primaries of one cluster", machine.Replica, primary, facts{false, us, 150018, "10.0.0.2"}, []string{"leads to a primary", "promoted"}},
		{"both URLs lead to the other", machine.Replica, &facts{true, us, 150018, "10.0.0.2"}, *primary, []string{"exchange them", "PRIMARY_REGION"}},
		{"a primary's URL leads to a replica", machine.Primary, nil, facts{true, us, 150018, "10.0.0.2"}, []string{"leads to a replica", "DATABASE_URL"}},
		{"a replica of another cluster", machine.Replica, primary, facts{true, them, 150018, "10.0.0.2"}, []string{"another cluster", us, them}},
		{"another cluster's primary", machine.Replica, primary, facts{false, them, 150018, "10.0.0.2"}, []string{"another cluster"}},
		{"too old", machine.Replica, primary, facts{true, us, 130022, ""}, []string{"13.22", "14 or newer"}},
		{"far too old", machine.Primary, nil, facts{false, us, 90603, ""}, []string{"9.6.3", "14 or newer"}},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			got := mismatch(tt.want, tt.primary, tt.here)
			if (got == "") != (tt.says == nil) {
				t.Fatalf("%q", got)
			}
			for _, want := range tt.says {
				if !strings.Contains(got, want) || strings.Contains(got, "\n") {
					t.Errorf("%q does not say %q in a line", got, want)
				}
			}
		})
	}
}
