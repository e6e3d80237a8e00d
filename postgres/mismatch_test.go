package postgres

import (
	"strings"
	"testing"

	"homing/machine"
)

func TestMismatch(t *testing.T) {
	const us, them = "7001", "7002"
	primary := &look{SystemID: us, Version: 150018, ServerAddr: "10.0.0.1"}
	for _, tt := range []struct {
		behaviour string
		want      machine.Role
		primary   *look
		here      look
		says      []string // none: all is well
	}{
		{"a replica of the primary", machine.Replica, primary, look{true, us, 150018, "10.0.0.2"}, nil},
		{"the primary", machine.Primary, nil, look{false, us, 150018, "10.0.0.1"}, nil},
		{"the primary, seen twice", machine.Primary, primary, *primary, nil},
		{"a replica of which little is known", machine.Replica, nil, look{InRecovery: true}, nil},
		{"a replica that does not know its cluster", machine.Replica, primary, look{InRecovery: true}, nil},
		{"a role that does not matter", machine.None, nil, look{}, nil},
		{"the oldest that will do", machine.Replica, nil, look{true, us, 140000, ""}, nil},
		{"a replica's URL leads to a primary", machine.Replica, nil, look{false, us, 150018, "10.0.0.2"}, []string{"leads to a primary", "PRIMARY_REGION"}},
		{"a replica's URL leads to the primary", machine.Replica, primary, *primary, []string{"same server", "replica's"}},
		{"two primaries of one cluster", machine.Replica, primary, look{false, us, 150018, "10.0.0.2"}, []string{"leads to a primary", "promoted"}},
		{"both URLs lead to the other", machine.Replica, &look{true, us, 150018, "10.0.0.2"}, *primary, []string{"exchange them", "PRIMARY_REGION"}},
		{"a primary's URL leads to a replica", machine.Primary, nil, look{true, us, 150018, "10.0.0.2"}, []string{"leads to a replica", "DATABASE_URL"}},
		{"a replica of another cluster", machine.Replica, primary, look{true, them, 150018, "10.0.0.2"}, []string{"another cluster", us, them}},
		{"another cluster's primary", machine.Replica, primary, look{false, them, 150018, "10.0.0.2"}, []string{"another cluster"}},
		{"too old", machine.Replica, primary, look{true, us, 130022, ""}, []string{"13.22", "14 or newer"}},
		{"far too old", machine.Primary, nil, look{false, us, 90603, ""}, []string{"9.6.3", "14 or newer"}},
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

func TestSpreads(t *testing.T) {
	for _, tt := range []struct {
		behaviour string
		seen      string // addresses between blanks; "-" is not known
		want      bool
	}{
		{"nothing was seen", "", false},
		{"one server", "a a a a", false},
		{"another took its place", "a a b b b", false},
		{"and a third", "a b c", false},
		{"one comes back", "a b a", true},
		{"one comes back late", "a a b b c c a", true},
		{"an address that is not known says nothing", "a - a - a", false},
		{"nor does it hide one that comes back", "a - b - a", true},
		{"none is known", "- - -", false},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			var seen []look
			for _, addr := range strings.Fields(tt.seen) {
				seen = append(seen, look{ServerAddr: strings.Trim(addr, "-")})
			}
			if got := spreads(seen); (got != "") != tt.want {
				t.Errorf("%q", got)
			}
		})
	}
}
