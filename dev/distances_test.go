package dev_test

import (
	"strings"
	"testing"
	"time"

	"homing/dev"
	"homing/region"
)

func TestReadDistances(t *testing.T) {
	regions := []region.Code{"ord", "gru", "ams"}
	const all = "ord gru 130ms\nams ord 95ms\nams gru 190ms\n"
	for name, tc := range map[string]struct{ table, wrong string }{
		"every pair once":               {all, ""},
		"comments and blank lines":      {"# round trips\n\n" + all + "   \n", ""},
		"pairs of other regions":        {all + "lhr syd 250ms\n", ""},
		"a pair that is missing":        {"ord gru 130ms\nams ord 95ms\n", `add a line "gru ams 100ms"`},
		"a pair twice, the other way":   {all + "gru ord 1ms\n", "line 4: gru and ord are given twice"},
		"too few words":                 {"ord gru\n", "line 1: want two regions and a round trip"},
		"a number without its unit":     {"ord gru 130\n", `"130" is no round trip`},
		"a time before it was sent":     {"ord gru -1ms\n", "is no round trip"},
		"a distance beyond the moon":    {"ord gru 1001ms\n", "is no round trip"},
		"a region and itself":           {all + "ord ord 5ms\n", "line 4: ord is at no distance from itself"},
		"a region that is no word":      {"ord gr? 1ms\n", "line 1"},
		"a line longer than any":        {strings.Repeat("x", 70_000), "too long"},
		"the first of several mistakes": {"\n\nord\nams\n", "line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dev.ReadDistances(strings.NewReader(tc.table), regions)
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Fatalf("error %v; want %q", err, tc.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d("ord", "ams") != 95*time.Millisecond || d("ams", "ord") != d("ord", "ams") || d("gru", "gru") != 0 {
				t.Errorf("ord to ams %v and back %v, gru to itself %v", d("ord", "ams"), d("ams", "ord"), d("gru", "gru"))
			}
		})
	}
}

func FuzzReadDistances(f *testing.F) {
	f.Add("ord gru 130ms\n")
	f.Add("# x\n\nord gru 1e3ms\nams")
	f.Fuzz(func(t *testing.T, table string) {
		d, err := dev.ReadDistances(strings.NewReader(table), []region.Code{"ord", "gru"})
		if err == nil && (d("ord", "gru") < 0 || d("ord", "gru") != d("gru", "ord")) {
			t.Errorf("%q gives %v and %v", table, d("ord", "gru"), d("gru", "ord"))
		}
	})
}
